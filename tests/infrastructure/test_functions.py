import pytest

from tests.support.template import ROOT, properties, routes


def layers_of(function):
    """The layers' names; SAM adds ten digits of their content's hash."""
    return [layer["Ref"][:-10] for layer in function["Layers"]]


@pytest.mark.fails_when(
    a_group_is_missing=lambda s: properties(s, "CancelFunction").pop("LoggingConfig"),
    a_group_is_shared=lambda s: properties(s, "CancelFunction").update(
        LoggingConfig={"LogGroup": {"Ref": "StatusLogs"}}
    ),
    lines_are_text=lambda s: s["Globals"]["Function"]["LoggingConfig"].update(LogFormat="Text"),
)
def test_each_function_logs_json_to_a_group_of_its_own(template):
    deployment = template.deployed()
    functions = deployment.of_type("Lambda::Function")
    groups = set()
    for name, function in functions.items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"].get("LogGroup") == {
            "Ref": name.replace("Function", "Logs")
        }
        groups.add(name.replace("Function", "Logs"))
    assert groups | {"AccessLogs"} == deployment.of_type("Logs::LogGroup").keys()


@pytest.mark.fails_when(
    a_level_drops_info=lambda s: s["Parameters"]["LogLevel"].update(AllowedValues=["INFO", "WARN"]),
    a_level_is_fixed=lambda s: s["Globals"]["Function"]["LoggingConfig"].update(
        ApplicationLogLevel="ERROR"
    ),
)
def test_no_log_level_drops_the_metrics(template):
    """No log level drops the metrics which Lambda takes for info."""
    assert set(template.source["Parameters"]["LogLevel"]["AllowedValues"]) <= {"DEBUG", "INFO"}
    for function in template.deployed(LogLevel="DEBUG").of_type("Lambda::Function").values():
        assert function["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"


@pytest.mark.fails_when(
    one_is_kept_for_ever=lambda s: properties(s, "WorkerLogs").pop("RetentionInDays"),
    the_access_log_is_kept_for_ever=lambda s: properties(s, "AccessLogs").pop("RetentionInDays"),
)
def test_every_log_line_expires(template):
    """Every log line is deleted after the days that the parameter says."""
    groups = template.deployed(LogRetentionDays="7").of_type("Logs::LogGroup")
    assert {group.get("RetentionInDays") for group in groups.values()} == {"7"}


@pytest.mark.fails_when(
    one_has_no_timeout=lambda s: properties(s, "StatusFunction").pop("Timeout"),
    one_has_no_memory=lambda s: properties(s, "SweeperFunction").pop("MemorySize"),
)
def test_each_function_says_its_own_timeout_and_memory(template):
    for name in template.deployed().of_type("Lambda::Function"):
        assert {"Timeout", "MemorySize"} <= properties(template.source, name).keys()


@pytest.mark.fails_when(
    one_is_too_long=lambda s: properties(s, "ListFunction").update(
        FunctionName={"Fn::Sub": "${AWS::StackName}-list-of-tasks"}
    )
)
def test_a_stack_s_name_may_have_52_characters_as_samconfig_says(template):
    """Lambda takes 64 for a function's, which begins with it."""
    for function in template.deployed().of_type("Lambda::Function").values():
        stack, more = function["FunctionName"]["Fn::Sub"].split("}")
        assert stack == "${AWS::StackName"
        assert 52 + len(more) <= 64
    assert "52 characters" in (ROOT / "samconfig.toml").read_text()


@pytest.mark.fails_when(
    it_waits_longer=lambda s: properties(s, "SubmitFunction").update(Timeout=30)
)
def test_api_function_ends_before_the_gateways_30_seconds(template):
    deployment = template.deployed()
    for name in set(routes(deployment).values()):
        assert deployment[name]["Timeout"] < 30


@pytest.mark.fails_when(
    another_python=lambda s: properties(s, "WorkerFunction").update(Runtime="python3.12"),
    no_trace=lambda s: properties(s, "WorkerFunction").update(Tracing="PassThrough"),
    all_carry_pillow=lambda s: s["Globals"]["Function"]["Layers"].append(
        {"Ref": "ThumbnailsLayer"}
    ),
    no_layer=lambda s: s["Globals"]["Function"]["Layers"].pop(),
    one_processor_for_all=lambda s: s["Globals"]["Function"].update(Architectures=["arm64"]),
)
def test_function_has_runtime_traces_layers_and_processor(template):
    """Each function has Python 3.13, traces, its layers and the processor asked for."""
    functions = template.deployed(Architecture="x86_64").of_type("Lambda::Function")
    assert layers_of(functions["WorkerFunction"])[2:] == ["ThumbnailsLayer", "GoogleLayer"]
    for function in functions.values():
        assert function["Runtime"] == "python3.13"
        assert function["Handler"] == "app.handler"
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Architectures"] == ["x86_64"]
        dependencies, domain, *more = layers_of(function)
        assert (dependencies, domain) == ("DependenciesLayer", "VideoApiLayer")
        assert not more or function is functions["WorkerFunction"]


@pytest.mark.fails_when(
    sam_copies_a_function=lambda s: s["Resources"]["DocsFunction"].pop("Metadata"),
    sam_builds_a_layer=lambda s: s["Resources"]["VideoApiLayer"]["Metadata"].update(
        BuildMethod="python3.13"
    ),
)
def test_every_part_is_built_and_compiled_by_the_one_makefile(template):
    parts = [r for r in template.source["Resources"].values() if "Serverless" in r["Type"]]
    for part in parts:
        if part["Type"] != "AWS::Serverless::HttpApi":
            assert part.get("Metadata") == {"BuildMethod": "makefile", "ContextPath": "layers"}
