"""The documents are current, their links lead somewhere, and what they name is there."""

import json
import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

from devstack import template
from devstack.settings import ROOT
from tests.support import docs
from tests.support.own_files import own_files
from tools import configuration, marked_tables, models_page

FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
TARGETS = set(re.findall(r"^([a-z0-9-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
PAGES = docs.everything()
GOOGLE = (docs.DOCS / "google.md").read_text()
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors_of(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", re.sub(r"\]\(.*?\)", "", each)) for each in headings]
    return {each.strip().lower().replace(" ", "-") for each in kept}


def links_of(page):
    """Return the path and the anchor of every link into the repository."""
    found = LINK.findall(FENCED.sub("", page.read_text()))
    return [(each.partition("#")[0], each.partition("#")[2]) for each in found]


@every_page
def test_links_lead_to_files_and_headings(page):
    for path, anchor in links_of(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors_of(target), f"{path}#{anchor}"


def test_googles_parameters_are_one_line_that_orders_there():
    """sam takes a newline for a part of the value before it."""
    blocks = [text for _, text in FENCED.findall(GOOGLE.replace("\n   ", "\n"))]
    (line,) = (text for text in blocks if text.startswith("VideoProviders="))
    parameters = dict(each.split("=", 1) for each in line.split())
    declared = template.load(ROOT / "template.yaml")["Parameters"]
    assert set(parameters) <= set(declared)
    assert line.count("\n") == 1
    assert re.fullmatch(declared["VideoRoutes"]["AllowedPattern"], parameters["VideoRoutes"])
    assert "vertex:" in parameters["VideoRoutes"]
    assert "vertex" in parameters["VideoProviders"].split(",")


def test_the_index_leads_to_every_page():
    linked = {(docs.DOCS / path).resolve() for path, _ in links_of(docs.INDEX)}
    decisions = docs.DOCS / "decisions"
    linked |= {(decisions / path).resolve() for path, _ in links_of(decisions / "README.md")}
    assert set(own_files("docs/**/*.md")) - {docs.INDEX} <= linked


def test_the_readme_is_read_in_one_go():
    assert len(docs.README.read_text().splitlines()) <= 150


@every_page
def test_every_make_target_that_a_page_names_exists(page):
    named = re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", page.read_text(), re.MULTILINE)
    assert set(named) <= TARGETS


def test_every_parameter_of_the_page_of_deployment_exists():
    text = (docs.DOCS / "deployment.md").read_text()
    first_cells = "".join(re.findall(r"^\|([^|]+)\|", text, re.MULTILINE))
    assigned = re.findall(r"`([A-Z][a-z][A-Za-z0-9]+)=", text)
    named = {*re.findall(r"`([A-Z][a-z][A-Za-z0-9]+)(?:=\w+)?`", first_cells), *assigned}
    assert named
    assert named <= set(template.load(ROOT / "template.yaml")["Parameters"])


@pytest.mark.parametrize("page", [docs.ALARMS, docs.OPERATIONS])
def test_every_parameter_and_alarm_that_a_runbook_names_exists(page):
    named = set(re.findall(r"(?:`|overrides )((?:[A-Z][a-z0-9]+){2,})[=`]", page.read_text()))
    source = template.load(ROOT / "template.yaml")
    assert named
    assert named <= {*source["Parameters"], *source["Resources"]}


def test_every_output_that_a_page_names_exists():
    outputs = template.load(ROOT / "template.yaml")["Outputs"]
    named = re.findall(r"\(output (\w+)\)", docs.OPERATIONS.read_text())
    assert len(named) == 2
    assert set(named) <= set(outputs)


def shell_blocks(page):
    """Return the blocks that a reader pastes into a shell, those of numbered lists too."""
    return re.findall(r"^ *```bash\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)


@every_page
def test_shell_blocks_hold_commands_alone(page):
    """They are pasted: zsh, which macOS has, takes a comment for words of the command."""
    for text in shell_blocks(page):
        assert [word for word in shlex.split(text) if word.startswith("#")] == []
        assert re.findall(r"\$\w+[:\[]", text) == [], "zsh takes $NAME:a for a path, ${NAME}:a not"
        plain = text.replace("…", "x")
        subprocess.run(["bash", "-n"], input=plain, text=True, check=True)  # noqa: S607


def test_a_removal_changes_no_variable_that_it_reads_later():
    """The page is pasted block after block, and a loop's variable keeps its last value."""
    text = "".join(shell_blocks(docs.OPERATIONS))
    for loop in re.finditer(r"^for (\w+) in", text, re.MULTILINE):
        assert f"${loop[1]}" not in text[loop.start() :].partition("done")[2]


@every_page
def test_a_secret_is_read_and_not_typed_into_a_command(page):
    """What is typed into a command stays in the shell's history."""
    for line in page.read_text().splitlines():
        for before, told in re.findall(r"([^`]*) --secret-string (\S+?)(?=[`\s]|$)", line):
            read = re.fullmatch(r'"\$(\w+)"', told)
            assert told.startswith("file://") or f"read -rs {read[1]} && aws" in before, line


def test_a_removal_ends_with_the_log_groups_that_came_back():
    """Of the functions that run without being called."""
    (named,) = re.findall(r"for NAME in (.*); do aws logs", docs.OPERATIONS.read_text())
    resources = template.load(ROOT / "template.yaml")["Resources"]
    functions = [each for each in resources.values() if each["Type"].endswith("::Function")]
    uncalled = [each["Properties"] for each in functions if not is_called(each["Properties"])]
    assert {f"${{AWS::StackName}}-{each}" for each in named.split()} == {
        each["FunctionName"]["Fn::Sub"] for each in uncalled
    }


def test_the_executions_that_a_deploy_needs_are_told():
    """Lambda keeps 100 unreserved in an account, and refuses a deploy that would take of them."""
    built = template.load(ROOT / "template.yaml")
    reserved = 0
    for resource in built["Resources"].values():
        match resource["Properties"].get("ReservedConcurrentExecutions"):
            case {"Fn::If": ["Reserved", {"Ref": str(name)}, _]}:
                reserved += built["Parameters"][name]["Default"]
            case {"Fn::If": ["Reserved", int(number), _]}:
                reserved += number
    page = (docs.DOCS / "deployment.md").read_text()
    assert f"If that says less than {100 + reserved}, " in page


def is_called(function):
    """Return whether a route of the API leads to it."""
    return any(each["Type"] == "HttpApi" for each in function.get("Events", {}).values())


def test_the_page_of_settings_and_the_example_are_current():
    shown = marked_tables.shown(configuration.PAGE, "settings", "docs")
    assert shown == configuration.tables(), "run `make docs`"
    assert configuration.EXAMPLE.read_text() == configuration.example(), "run `make docs`"


def test_every_variable_of_the_functions_is_documented():
    documented = {each.name for each in configuration.settings()}
    variables = template.variables(template.load(ROOT / "template.yaml"))
    fixed = {"TABLE_NAME", "QUEUE_URL", "BUCKET_NAME"}  # the template sets them
    missing = {name for name in set(variables) - documented - fixed if "POWERTOOLS" not in name}
    assert missing == set()


def test_the_page_of_models_is_current():
    for name, lines in models_page.tables().items():
        assert marked_tables.shown(models_page.PAGE, name, "docs") == lines, "run `make docs`"


def test_a_table_is_put_between_its_comments(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: make costs -->\n| 1 |\n<!-- /x -->\nb\n")
    marked_tables.put(page, "x", "costs", ["| 2 |", "| 3 |"])
    assert page.read_text() == "a\n<!-- x: make costs -->\n| 2 |\n| 3 |\n<!-- /x -->\nb\n"
    assert marked_tables.shown(page, "x", "costs") == ["| 2 |", "| 3 |"]


def test_a_page_without_a_table_s_place_is_told(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Video API\n")
    with pytest.raises(ValueError, match=r"page\.md: there is no <!-- costs"):
        marked_tables.shown(page, "costs", "costs")


AWS = re.compile(
    r"(?<![\w-])aws ([a-z0-9-]+) ([a-z-]+)((?: +(?:--[a-z-]+|[^-`\s)|&#;][^`\s)|&#;]*))*)"
)
OF_THE_CLI = {"s3 rb", "logs tail"}  # commands of the CLI alone, no operations of a service
FOR_ALL = {"query", "output"}  # options of every command


def aws_commands():
    texts = (page.read_text() for page in PAGES)
    found = [each for text in texts for each in AWS.findall(text)]
    return [each for each in found if f"{each[0]} {each[1]}" not in OF_THE_CLI]


def test_every_aws_command_has_an_operation_and_its_options():
    commands = aws_commands()
    assert len(commands) >= 7
    for service, command, options in commands:
        client = Session().create_client(service, region_name="us-east-1")
        names = {xform_name(each, "-"): each for each in client.meta.service_model.operation_names}
        shape = client.meta.service_model.operation_model(names[command]).input_shape
        members = {xform_name(each, "-") for each in shape.members}
        named = set(re.findall(r"--([a-z-]+)", options)) - FOR_ALL
        assert named <= members, command


def test_who_deploys_is_told_the_actions_of_an_access_log():
    """All that CloudWatch Logs has about deliveries, and the policy of the log's group."""
    data = Path(find_spec("cfnlint").origin).parent / "data/AdditionalSpecs/Policies.json"
    known = set(json.loads(data.read_text())["logs"]["Actions"])
    named = re.findall(r"`logs:(\w+)`", (docs.DOCS / "deployment.md").read_text())
    told = {each.lower() for each in named}
    assert told <= known
    assert told >= {each for each in known if "logdeliver" in each}
    assert told >= {"putresourcepolicy", "describeresourcepolicies", "describeloggroups"}


@every_page
def test_every_setting_that_a_page_names_exists(page):
    prefixes = (
        "VEO3|VIDEO|GOOGLE|GEMINI|VERTEX|FAST_LLM|IMAGE|UPSTREAM|API|AWS|KEEP|CHECK|TASK|FILE"
        "|PRESIGNED|OPENAI"
    )
    named = set(re.findall(rf"`((?:{prefixes})_[A-Z0-9_]+)[=`]", page.read_text()))
    known = {each.name for each in configuration.settings()}
    assert named - known <= {"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"}
