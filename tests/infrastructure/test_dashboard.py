import json
import re

import pytest

from tests.support.emitted_metrics import emitted
from tests.support.template import properties
from videoapi.metrics import NAMESPACE

# What AWS publishes for a resource: its type here, its dimension, its metrics.
PUBLISHED = {
    "AWS/Lambda": (
        "AWS::Serverless::Function",
        "FunctionName",
        {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"},
    ),
    "AWS/SQS": (
        "AWS::SQS::Queue",
        "QueueName",
        {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ),
    "AWS/ApiGateway": (
        "AWS::Serverless::HttpApi",
        "ApiId",
        {"Count", "4xx", "5xx", "Latency", "IntegrationLatency"},
    ),
}


def body_of(source, **parameters):
    """Return the body as CloudWatch reads it; a resource's name stays, as `<LogicalId>`."""
    values = {"AWS::Region": "eu-central-1", "AWS::StackName": "a-stack"}
    values |= {name: str(p["Default"]) for name, p in source["Parameters"].items()} | parameters
    text = properties(source, "Dashboard")["DashboardBody"]["Fn::Sub"]
    return json.loads(
        re.sub(r"\$\{([\w:]+)[\w.]*\}", lambda m: values.get(m[1], f"<{m[1]}>"), text)
    )


def widgets(source, **parameters):
    return {
        widget["properties"]["title"]: widget["properties"]
        for widget in body_of(source, **parameters)["widgets"]
    }


def lines(source):
    """Return (namespace, metric, *dimensions) of every line of every widget, searches included."""
    for widget in widgets(source).values():
        for metric in widget.get("metrics", []):
            names = [part for part in metric if isinstance(part, str)]
            search = re.search(
                r"SEARCH\('\{(\w+),code,service\} MetricName=\"(\w+)\" service=\"([\w-]+)\"",
                metric[-1].get("expression", ""),
            )
            if search:
                yield search[1], search[2], "code", "*", "service", search[3]
            elif names:
                yield tuple(names)


def swapped(old, new):
    """Return a break: another text in the body."""

    def change(source):
        body = properties(source, "Dashboard")["DashboardBody"]
        assert old in body["Fn::Sub"]
        body["Fn::Sub"] = body["Fn::Sub"].replace(old, new)

    return change


@pytest.mark.fails_when(
    a_comma_is_lost=swapped("}},", "}}"),
    one_is_of_another_region=swapped(
        '"In flight, and the cap", "region": "${AWS::Region}"',
        '"In flight, and the cap", "region": "us-east-1"',
    ),
    one_covers_another=swapped('"x": 8, "y": 2', '"x": 7, "y": 2'),
)
def test_dashboard_is_json_of_this_region_without_overlaps(template):
    """The dashboard is JSON of this region and no widget covers another."""
    covered = set()
    for widget in body_of(template.source)["widgets"]:
        assert widget["properties"].get("region", "eu-central-1") == "eu-central-1"
        x, y = widget["x"], widget["y"]
        cells = {(x + i, y + j) for i in range(widget["width"]) for j in range(widget["height"])}
        assert not cells & covered
        assert max(column for column, _ in cells) < 24
        covered |= cells


@pytest.mark.fails_when(
    our_name_is_misspelt=swapped("QueueSeconds", "QueuedSeconds"),
    our_dimension_is_misspelt=swapped('"service", "${AWS::StackName}"', '"Service", "x"'),
    the_search_is_misspelt=swapped("TasksEnded", "TaskEnded"),
    it_is_of_all_stacks=swapped('service=\\"${AWS::StackName}\\"', 'service=\\"video-api\\"'),
    aws_has_no_such_metric=swapped("ConcurrentExecutions", "ConcurrentInvocations"),
    the_function_is_gone=lambda s: s["Resources"].pop("ListFunction"),
    a_queue_is_no_function=swapped('"FunctionName", "${Work', '"QueueName", "${Work'),
)
def test_each_metric_is_one_that_aws_publishes_or_the_code_sends(template):
    for namespace, metric, *dimensions in lines(template.source):
        names, values = dimensions[::2], dimensions[1::2]
        if namespace == NAMESPACE:
            assert (metric, tuple(names)) in emitted()
            assert values[-1] == "a-stack"
            continue
        kind, dimension, metrics = PUBLISHED[namespace]
        assert metric in metrics
        assert names == [dimension]
        assert template.source["Resources"][values[0].strip("<>")]["Type"] == kind


@pytest.mark.fails_when(
    one_is_not_shown=swapped("TasksQueuedAgain", "TasksAccepted"),
)
def test_everything_that_the_code_measures_is_shown(template):
    shown = {line[1] for line in lines(template.source) if line[0] == NAMESPACE}
    assert shown == {name for name, _ in emitted()}


@pytest.mark.fails_when(
    one_is_left_out=swapped(
        '["AWS/Lambda", "Throttles", "FunctionName", "${DocsFunction}", {"stat": "Sum"}],', ""
    )
)
def test_errors_and_throttles_are_those_of_every_function(template):
    functions = template.deployed().of_type("Lambda::Function")
    for metric in ("Errors", "Throttles"):
        shown = {line[3] for line in lines(template.source) if line[1] == metric}
        assert shown == {f"<{name}>" for name in functions}


@pytest.mark.fails_when(
    the_cap_is_fixed=swapped('"value": ${VideoMaxConcurrent}', '"value": 2'),
    the_spend_counts_tasks=swapped('"SpendUsd"', '"JobsPaid"'),
)
def test_cap_is_the_parameters_and_the_spend_what_was_settled(template):
    shown = widgets(template.source, VideoMaxConcurrent="7")
    (line,) = shown["In flight, and the cap"]["annotations"]["horizontal"]
    assert line["value"] == 7
    spend = shown["Accepted, paid, and spent"]["metrics"][-1]
    assert (spend[1], spend[-1]["label"]) == ("SpendUsd", "USD")


@pytest.mark.fails_when(
    one_is_left_out=swapped('"${DeadLetterAlarm.Arn}"', '"${WorkerErrorsAlarm.Arn}"')
)
def test_every_alarm_stands_on_top(template):
    top = body_of(template.source)["widgets"][0]["properties"]
    alarms = template.deployed().of_type("CloudWatch::Alarm")
    assert set(top["alarms"]) == {f"<{name}>" for name in alarms}


@pytest.mark.fails_when(
    the_second_region_fails=lambda s: properties(s, "Dashboard").update(
        DashboardName={"Ref": "AWS::StackName"}
    ),
    the_link_leads_to_another=lambda s: s["Outputs"]["DashboardUrl"].update(
        Value={"Fn::Sub": ["https://${Console}/#dashboards/dashboard/${AWS::StackName}", {}]}
    ),
)
def test_unique_names_hold_the_region(template):
    """What an account has one of is named by region too and the link leads there."""
    name = properties(template.source, "Dashboard")["DashboardName"]["Fn::Sub"]
    assert "${AWS::StackName}" in name
    assert "${AWS::Region}" in name
    link = template.source["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"][0]
    assert link.endswith(f"#dashboards/dashboard/{name}")
    for kind in ("S3::Bucket", "IAM::Role", "DynamoDB::Table", "SNS::Topic", "SQS::Queue"):
        for resource in template.deployed(AlarmEmail="a@b.example").of_type(kind).values():
            assert not {key for key in resource if key in {"BucketName", "RoleName"}}


@pytest.mark.fails_when(
    govcloud_is_forgotten=lambda s: s["Mappings"]["Partition"].pop("aws-us-gov")
)
def test_dashboard_link_leads_to_its_partitions_console(template):
    consoles = {
        name: each["Console"] for name, each in template.source["Mappings"]["Partition"].items()
    }
    assert consoles == {
        "aws": "console.aws.amazon.com",
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }
    values = template.source["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"][1]
    assert values == {
        "Console": {"Fn::FindInMap": ["Partition", {"Ref": "AWS::Partition"}, "Console"]}
    }


@pytest.mark.fails_when(it_is_everywhere=lambda s: s["Resources"]["Dashboard"].pop("Condition"))
def test_the_local_stack_has_no_dashboard(template):
    assert template.deployed().of_type("CloudWatch::Dashboard")
    assert not template.deployed(Stage="local").of_type("CloudWatch::Dashboard")
