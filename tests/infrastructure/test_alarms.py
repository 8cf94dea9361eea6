import re

import pytest

from tests.support import docs
from tests.support.emitted_metrics import codes_in_the_code, emitted
from tests.support.template import ACCOUNT, properties
from videoapi.aws import secrets
from videoapi.metrics import NAMESPACE
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import Failure
from videoapi.worker.costs import OVER_RESERVE
from videoapi.worker.outcomes import ACCOUNT_REFUSED

# What goes wrong, and the metric that tells: (namespace, metric, what of).
WATCHED = {
    ("VideoApi", "TasksEnded", "upstream_account_error"),
    ("VideoApi", "RoutesRefused", "AWS::StackName"),
    ("VideoApi", "BillsOverReserve", "AWS::StackName"),
    ("VideoApi", "TasksEnded", "service_unavailable"),
    ("VideoApi", "TasksEnded", "upstream_submit_unknown"),
    ("VideoApi", "TasksEnded", "task_timeout"),
    ("VideoApi", "TasksEnded", "upstream_job_lost"),
    ("AWS/Lambda", "Invocations", "DeadLetterFunction"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "TasksQueue"),
    ("AWS/Lambda", "Errors", "WorkerFunction"),
    ("AWS/Lambda", "Errors", "SweeperFunction"),
    ("AWS/Lambda", "Throttles", "SweeperFunction"),
    ("AWS/Lambda", "Errors", "DeadLetterFunction"),
    ("AWS/ApiGateway", "5xx", "HttpApi"),
    ("VideoApi", "WebhooksFailed", "AWS::StackName"),
    ("VideoApi", "WebhooksDelivered", "AWS::StackName"),
    ("VideoApi", "WebhooksPutOff", "AWS::StackName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "WebhooksDeadLetterQueue"),
}


def metrics(alarm):
    stats = [
        part["MetricStat"]["Metric"] for part in alarm.get("Metrics", []) if "MetricStat" in part
    ]
    for metric in stats or [alarm]:
        match [dimension["Value"] for dimension in metric["Dimensions"]]:
            case [{"Ref": name} | {"Fn::GetAtt": [name, _]}]:
                yield metric["Namespace"], metric["MetricName"], name
            case [str(code), {"Ref": "AWS::StackName"}]:
                yield metric["Namespace"], metric["MetricName"], code


@pytest.mark.fails_when(
    one_is_missing=lambda s: s["Resources"].pop("OldestTaskAlarm"),
    one_watches_another=lambda s: properties(s, "WorkerErrorsAlarm").update(
        Dimensions=[{"Name": "FunctionName", "Value": {"Ref": "SubmitFunction"}}]
    ),
)
def test_everything_that_a_person_must_know_of_has_an_alarm(template):
    alarms = template.deployed().of_type("CloudWatch::Alarm").values()
    assert {metric for alarm in alarms for metric in metrics(alarm)} == WATCHED


@pytest.mark.fails_when(
    of_all_stacks=lambda s: properties(s, "RelayAccountAlarm")["Dimensions"].pop(),
    of_no_code_of_ours=lambda s: properties(s, "RelayAccountAlarm")["Dimensions"][0].update(
        Value="a_code_that_nobody_writes"
    ),
)
def test_alarm_names_a_code_that_is_written_by_this_stack(template):
    """An alarm on ended tasks names a code that the code writes and this stack alone."""
    sent = {(NAMESPACE, name, *dimensions) for name, dimensions in emitted()}
    written = sorted(codes_in_the_code())
    for alarm in template.deployed().of_type("CloudWatch::Alarm").values():
        parts = [part["MetricStat"]["Metric"] for part in alarm.get("Metrics", [])[1:]] or [alarm]
        for metric in parts:
            if metric["Namespace"] == NAMESPACE:
                values = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                assert (NAMESPACE, metric["MetricName"], *sorted(values)) in sent
                assert values["service"] == {"Ref": "AWS::StackName"}
                assert values.get("code", written[0]) in written


def test_refused_account_ends_with_the_watched_code():
    refusal = Failure(ErrorInfo(codes=("invalid_api_key",)), status=401)
    assert ("VideoApi", "TasksEnded", refusal.code) in WATCHED


def description(source, name):
    return words_of(properties(source, name))


def words_of(alarm):
    """Return the description, with `${AWS::StackName}` as it is written."""
    words = alarm["AlarmDescription"]
    return words if isinstance(words, str) else words["Fn::Sub"]


@pytest.mark.fails_when(
    a_sign_is_lost=lambda s: properties(s, "DeadLetterAlarm").update(
        AlarmDescription=description(s, "DeadLetterAlarm").replace("ID=vid_xyz", "ID=…")
    ),
    it_is_too_long=lambda s: properties(s, "RelayFailuresAlarm").update(
        AlarmDescription=description(s, "RelayFailuresAlarm") * 3
    ),
)
def test_an_alarm_s_words_reach_the_mail_whole(template):
    """CloudFormation puts `?` for every letter beyond ASCII; CloudWatch takes 1,024 of them."""
    for alarm in template.deployed().of_type("CloudWatch::Alarm").values():
        words = words_of(alarm).replace("${AWS::StackName}", "x" * 52)
        assert words.isascii()
        assert len(words) <= 1024


@pytest.mark.fails_when(
    it_is_production=lambda s: properties(s, "DeadLetterAlarm").update(
        AlarmDescription=description(s, "DeadLetterAlarm").replace("${AWS::StackName}", "video-api")
    ),
    it_is_copied_as_written=lambda s: properties(s, "DeadLetterAlarm").update(
        AlarmDescription=description(s, "DeadLetterAlarm")
    ),
)
def test_a_command_in_an_alarm_names_the_alarm_s_own_stack(template):
    named = []
    for alarm in template.deployed().of_type("CloudWatch::Alarm").values():
        for stack in re.findall(r"STACK=([^`\s]+)", words_of(alarm)):
            assert stack == "${AWS::StackName}"
            assert isinstance(alarm["AlarmDescription"], dict), "else it is not filled in"
            named.append(stack)
    assert named


@pytest.mark.fails_when(
    it_sends_to_an_id_that_the_log_has_not=lambda s: properties(s, "ApiFailuresAlarm").update(
        AlarmDescription=description(s, "ApiFailuresAlarm").replace(
            "functionRequestId", "requestId"
        )
    ),
    the_way_out_is_not_said=lambda s: properties(s, "ApiFailuresAlarm").update(
        AlarmDescription=description(s, "ApiFailuresAlarm").replace("AllAtOnce", "a canary")
    ),
)
def test_5xx_alarm_names_the_id_that_joins_the_logs(
    template,
):
    """The alarm on 5xx names the id that joins the logs and the deploy that it lets through."""
    words = description(template.source, "ApiFailuresAlarm")
    assert re.search(r"functionRequestId", words)
    assert "DeploymentPreference=AllAtOnce" in words
    assert "AllAtOnce" in template.source["Parameters"]["DeploymentPreference"]["AllowedValues"]


@pytest.mark.fails_when(
    another_alarm_has_the_hint=lambda s: properties(s, "RelayFailuresAlarm").update(
        AlarmDescription=description(s, "WorkerErrorsAlarm")
    ),
)
def test_unreadable_secret_alarm_says_where_to_look(template):
    """`SecretTexts.read` makes it `service_unavailable`, which that alarm counts."""
    words = description(template.source, "RelayFailuresAlarm")
    assert secrets.UNREADABLE in words
    assert "Veo3ApiKeySecret" in words
    assert "kms:Decrypt" in words


@pytest.mark.fails_when(
    one_quotes_nothing=lambda s: properties(s, "RelayAccountAlarm").update(
        AlarmDescription=description(s, "RelayAccountAlarm").replace("refused our", "declines the")
    ),
)
def test_alarms_quote_what_the_worker_logs(template):
    assert ACCOUNT_REFUSED in description(template.source, "RelayAccountAlarm")
    assert OVER_RESERVE in description(template.source, "BillsOverReserveAlarm")


@pytest.mark.fails_when(
    one_has_no_section=lambda s: s["Resources"].update(NewAlarm=s["Resources"]["DeadLetterAlarm"]),
    one_quotes_another_line_of_a_log=lambda s: properties(s, "RouteRefusedAlarm").update(
        AlarmDescription=description(s, "RouteRefusedAlarm").replace("a route rests", "a route is")
    ),
)
def test_page_of_alarms_tells_each_and_quotes_the_same_logs(template):
    _, *texts = docs.ALARMS.read_text().split("\n## ")
    sections = {name: text for name, _, text in (each.partition("\n") for each in texts)}
    alarms = template.deployed().of_type("CloudWatch::Alarm")
    assert sections.keys() == alarms.keys()
    for name, section in sections.items():
        assert re.findall(r"^- \*\*(\w+)\*\*: ", section, re.MULTILINE) == ["Means", "Look", "Do"]
        quoted = re.findall(r"`an? [^`]+`", description(template.source, name))
        assert [each for each in quoted if each not in section] == []


@pytest.mark.fails_when(
    one_says_nothing=lambda s: properties(s, "ApiFailuresAlarm").pop("AlarmDescription"),
    silence_is_alarming=lambda s: properties(s, "DeadLetterAlarm").pop("TreatMissingData"),
)
def test_alarm_says_what_to_do_and_sleeps_when_idle(template):
    """An alarm says what to do and sleeps while nothing happens."""
    for alarm in template.deployed().of_type("CloudWatch::Alarm").values():
        assert len(words_of(alarm)) > 80
        assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.fails_when(
    one_tells_nobody=lambda s: properties(s, "OldestTaskAlarm").pop("AlarmActions"),
    one_never_gives_the_all_clear=lambda s: properties(s, "OldestTaskAlarm").pop("OKActions"),
)
def test_alarms_tell_the_address_that_was_given_and_nobody_else(template):
    silent = template.deployed()
    assert silent.of_type("SNS::Topic") == {}
    for alarm in silent.of_type("CloudWatch::Alarm").values():
        assert not {"AlarmActions", "OKActions"} & alarm.keys()
    deployed = template.deployed(AlarmEmail="on-call@example.org")
    (topic,) = deployed.of_type("SNS::Topic").values()
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": "on-call@example.org"}]
    for alarm in deployed.of_type("CloudWatch::Alarm").values():
        assert alarm.get("AlarmActions") == alarm.get("OKActions") == [{"Ref": "AlarmTopic"}]


@pytest.mark.fails_when(
    one_is_everywhere=lambda s: s["Resources"]["ApiFailuresAlarm"].pop("Condition"),
    a_word_turns_them_off=lambda s: s["Conditions"].update(
        Deployed={"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    ),
)
def test_the_local_stack_has_no_alarms(template):
    local = template.deployed(Stage="local", AlarmEmail="on-call@example.org")
    assert local.of_type("CloudWatch::Alarm") == local.of_type("SNS::Topic") == {}
    called_local = template.deployed(**{"Stage": "local", "AWS::AccountId": ACCOUNT})
    assert called_local.of_type("CloudWatch::Alarm")
