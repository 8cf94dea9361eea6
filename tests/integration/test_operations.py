"""The operator's commands, on moto as on a deployed stack."""

import json
import os
import time

import boto3
import pytest

from tests.support.free_ports import free_ports
from tests.support.task_factory import TO_RELAY, UPSTREAM_VIDEO, TaskFactory, new_task
from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.domain.endings import cancel
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import NEVER, accepted_late, begin_attempt, claim
from videoapi.errors import GenerationError
from videoapi_cli.operator.operations import MAX_LISTED, main, read
from videoapi_cli.operator.stack import Deployed, find
from videoapi_cli.operator.story import story

REFUSED = GenerationError("no", code="upstream_account_error")
NOT_FETCHED = GenerationError("gone", code="video_download_failed", maybe_charged=True)


@pytest.fixture
def operate(services, capsys):
    stack = Deployed(
        boto3.Session(),
        None,
        {
            "TasksTableName": services.table,
            "FilesBucketName": services.bucket,
            "TasksQueueUrl": services.queue_url,
            "DeadLetterQueueUrl": services.dead_letter_url,
        },
    )

    def run(*arguments):
        options = read(list(arguments))
        options.run(stack, options)
        return capsys.readouterr().out

    return run


def test_a_key_is_shown_once_listed_by_name_and_revoked(operate, services):
    made = operate("key", "alice", "--per-day", "20").splitlines()[-1]
    ring = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0)
    assert ring.find(made).limits == Limits(videos_per_day=20)
    assert "alice" in operate("key", "--list")
    assert made not in operate("key", "--list")
    assert operate("key", "alice", "--revoke").startswith("1 key(s) of alice revoked")
    assert operate("key", "--list") == "No keys.\n"


def test_every_answer_is_one_json_document_on_demand(operate, services, task_factory):
    def told(*arguments):
        return json.loads(operate(*arguments, "--json"))

    made = told("key", "alice", "--usd-per-day", "1.5")
    ring = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0)
    assert ring.find(made["key"]).limits.usd_per_day == 1_500_000
    assert made["webhook_secret"].startswith("whsec_")
    (listed,) = told("key", "--list")
    assert (listed["name"], listed["limits"]["usd_per_day"]) == ("alice", 1.5)
    assert told("key", "alice", "--rotate-webhook-secret")["webhook_secret"].startswith("whsec_")
    assert told("key", "alice", "--revoke") == {"name": "alice", "revoked": 1}
    task = task_factory.processing()
    assert [each["task_id"] for each in told("tasks")] == [task.task_id]
    assert told("task", task.task_id)["id"] == task.task_id
    assert told("redrive") == {"queued_again": 0}


def test_failure_is_json_on_demand(capsys, monkeypatch):
    monkeypatch.setenv("AWS_PORT", "2")
    assert main(["tasks", "--json"]) == 1
    assert "No local stack" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.usefixtures("services")
def test_stack_of_another_kind_is_told(capsys, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    boto3.client("cloudformation", region_name="us-east-1").create_stack(
        StackName="other", TemplateBody=template
    )
    assert main(["--stack", "other", "tasks"]) == 1
    assert "another stack, or not whole (CREATE_COMPLETE)" in capsys.readouterr().err
    assert main(["--stack", "none", "tasks"]) == 1
    assert "asked about none in us-east-1" in capsys.readouterr().err


@pytest.mark.usefixtures("services")
def test_numbers_are_read_as_cloudformation_takes_them(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    said = {"VideoTaskTimeout": "2400.0", "TaskRetentionHours": "48.0"}
    template = {
        "Parameters": {name: {"Type": "Number"} for name in said},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"TasksTableName": {"Value": "tasks"}},
    }
    boto3.client("cloudformation", region_name="us-east-1").create_stack(
        StackName="whole",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": n, "ParameterValue": value} for n, value in said.items()],
    )
    found = find("whole")
    assert (found.task_timeout, found.retention_hours) == (2400, 48)


def test_rotated_key_takes_over_the_limits_of_the_old_one(operate, services):
    operate("key", "alice", "--per-day", "20", "--alive", "5")
    key_id = operate("key", "--list").partition("id ")[2][:8]
    output, new = operate("key", "alice").splitlines()
    assert "tasks alive: 5, videos per day: 20" in output
    assert operate("key", "alice", "--revoke", "--key", key_id).startswith("1 key(s)")
    found = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0).find(new)
    assert (found.name, found.limits) == ("alice", Limits(tasks_alive=5, videos_per_day=20))


def test_limits_that_are_said_are_taken_and_none_is_no_limit(operate):
    operate("key", "alice", "--per-day", "20", "--alive", "5")
    output = operate("key", "alice", "--per-day", "none", "--per-minute", "9").splitlines()[0]
    assert "(submits per minute: 9, tasks alive: 5)" in output
    assert "(no limits)" in operate("key", "bob")


def test_cap_in_dollars_is_told_inherited_and_lifted(operate, services):
    new = operate("key", "alice", "--usd-per-day", "5").splitlines()[-1]
    found = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0).find(new)
    assert found.limits == Limits(usd_per_day=5_000_000)
    output = operate("key", "alice", "--usd-per-day", "0.000001", "--alive", "2").splitlines()[0]
    assert "(tasks alive: 2, usd per day: 0.000001)" in output
    operate("key", "alice", "--usd-per-day", "12.5")
    assert "tasks alive: 2, usd per day: 12.5" in operate("key", "--list")
    assert "(tasks alive: 2)" in operate("key", "alice", "--usd-per-day", "none")


@pytest.mark.parametrize("cap", ["-1", "0", "0.000000", "many", "1.", ".5", "1e3", "0.0000001", ""])
def test_a_cap_that_caps_nothing_is_refused_in_words(operate, services, cap):
    with pytest.raises(ValueError, match=f"{cap} is no cap: say dollars"):
        operate("key", "bob", f"--usd-per-day={cap}")
    assert services.is_untouched()


MISUSED = {
    "a key of nobody": (["key"], "NAME="),
    "a revoked nobody": (["key", "--revoke"], "NAME="),
    "an owner without a key": (["key", "bob", "--revoke"], "bob has no key here"),
    "an id of no key": (["key", "bob", "--revoke", "--key", "12345678"], "the id 12345678"),
    "a key of an id": (["key", "bob", "--key", "12345678"], "--revoke"),
    "a name with capitals": (["key", "Bob"], "NAME=Bob: say 1 to 63 lower-case letters"),
    "a name that is taken": (["key", "anonymous"], "anonymous is who comes without a key"),
    "a task without an id": (["task"], "ID="),
}


@pytest.mark.parametrize(("arguments", "words"), MISUSED.values(), ids=MISUSED)
def test_a_command_that_cannot_be_meant_says_what_to_say(operate, services, arguments, words):
    with pytest.raises(ValueError, match=words):
        operate(*arguments)
    assert services.is_untouched()


@pytest.mark.parametrize("option", ["--per-minute", "--alive", "--per-day"])
@pytest.mark.parametrize("limit", ["-1", "0", "00", "many", "1.5", "²", ""])
def test_a_limit_that_limits_nothing_is_refused_in_words(operate, services, option, limit):
    with pytest.raises(ValueError, match=f"{limit} is no limit: say 1 or more"):
        operate("key", "bob", f"{option}={limit}")
    assert services.is_untouched()


@pytest.mark.parametrize("name", ["bad name/x", "--list", "-x", "Ünal", "a" * 64])
def test_a_name_that_no_owner_can_have_is_refused_in_words(operate, services, name):
    with pytest.raises(ValueError, match="say 1 to 63 lower-case letters"):
        operate("key", "--", name)
    assert services.is_untouched()


def test_key_of_an_open_stack_is_needed_by_no_caller(services, capsys):
    """A key of an open stack is said to be asked for by nobody."""
    stack = Deployed(boto3.Session(), None, {"TasksTableName": services.table}, open_to_all=True)
    options = read(["key", "alice"])
    options.run(stack, options)
    printed = capsys.readouterr()
    assert "no caller needs a key until AllowAnonymous=false" in printed.err
    assert printed.out.splitlines()[-1].startswith("vak_")


def test_a_key_of_a_stack_that_asks_for_it_needs_no_word(operate, capsys):
    operate("key", "alice")
    assert capsys.readouterr().err == ""


def test_open_tasks_are_listed_without_their_owners_words(operate, services):
    task_factory = TaskFactory(services.store)
    waits, runs, done = task_factory.pending(), task_factory.processing(), task_factory.completed()
    output = operate("tasks")
    assert {line.split()[0]: line.split()[1] for line in output.splitlines()[:-1]} == {
        waits.task_id: "pending",
        runs.task_id: "processing",
    }
    assert output.splitlines()[-1].startswith("1 pending, 1 processing.")
    assert done.task_id not in output
    assert "fox" not in output


def test_tasks_that_have_ended_are_listed_when_asked_for(operate, services):
    task_factory = TaskFactory(services.store)
    failed, done = task_factory.failed(), task_factory.completed()
    operate("key", "alice")
    output = operate("tasks", "--all")
    assert len(output.splitlines()) == 3
    assert done.task_id in output
    assert next(line for line in output.splitlines() if failed.task_id in line).endswith(
        failed.error["code"]
    )
    assert output.splitlines()[-1] == "1 completed, 1 failed."


def test_people_read_the_newest_tasks_and_programs_all(operate, task_factory):
    for _ in range(MAX_LISTED + 1):
        task_factory.pending()
    lines = operate("tasks").splitlines()
    assert (len(lines), lines[-1].partition(".")[0]) == (MAX_LISTED + 1, "101 pending")
    assert len(json.loads(operate("tasks", "--json"))) == MAX_LISTED + 1


def test_a_stack_without_tasks_says_so(operate):
    assert operate("tasks").startswith("Nothing runs.")
    assert operate("tasks", "--all") == "No task.\n"


def test_story_has_times_ids_and_charges_without_owners_words(operate, services):
    """A task's story tells times, ids and charges and nothing its owner said."""
    task = TaskFactory(services.store).completed()
    output = operate("task", task.task_id)
    assert "charged                 yes, for 1 job(s)" in output
    assert task.upstream_id in output
    assert "fox" not in output
    assert "model                   veo_3_1\n" in output
    assert f"video                   {UPSTREAM_VIDEO}\n" in output
    assert "provider                relay\n" in output
    assert f"asked at                {TO_RELAY.url}\n" in output


ENDINGS = {
    "completed": ({"status": Status.COMPLETED}, "  completed"),
    "failed": ({"status": Status.FAILED, "error": REFUSED.as_record()}, "  upstream_account_error"),
    "cancelled": ({"status": Status.CANCELLED}, "  cancelled"),
    "accepted": ({"status": Status.PROCESSING, "upstream_id": "job:1"}, "  accepted"),
    "not answered": ({"status": Status.PROCESSING}, ""),
}


@pytest.mark.parametrize(("fields", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_story_says_how_every_attempt_ended(fields, ending):
    first, then = "2026-01-11T10:30:00.000Z relay:a", "2026-01-11T10:30:02.000Z vertex:b"
    log = [first, "2026-01-11T10:30:01.000Z service_unavailable", then]
    lines = "\n".join(story(new_task(attempt_log=log, **fields), "files")).splitlines()
    began = lines.index(f"{'attempts':24}{first}  service_unavailable")
    assert lines[began + 1] == f"{'':24}{then}{ending}"


def test_story_keeps_the_outcome_of_an_attempt_that_is_repeated():
    log = ["2026-01-11T10:30:00.000Z relay:a", "2026-01-11T10:30:01.000Z service_unavailable"]
    assert f"{'attempts':24}{log[0]}  service_unavailable" in story(
        new_task(attempt_log=log), "files"
    )


def failed(code, **fields):
    error = {"code": code, "message": "No.", "maybe_charged": False}
    return new_task(status=Status.FAILED, error=error, **fields)


@pytest.mark.parametrize(
    ("code", "setting"),
    [("upstream_account_error", "VEO3_API_KEY"), ("service_unavailable", "VEO3_BASE_URL")],
)
def test_story_of_a_refusal_names_setting_and_relay(code, setting):
    lines = story(failed(code), "files", "https://relay.example")
    (advice,) = (line for line in lines if line.startswith("look at"))
    assert setting in advice
    assert "https://relay.example" in advice


@pytest.mark.parametrize(
    ("provider", "code", "place"),
    [
        ("vertex", "upstream_account_error", "GOOGLE_WORKLOAD_IDENTITY_PROVIDER"),
        ("gemini", "upstream_account_error", "GeminiApiKeySecret"),
        ("vertex", "upstream_submit_unknown", "billing export"),
        ("gemini", "upstream_job_lost", "billing export"),
        ("gemini", "service_unavailable", "the worker's log"),
    ],
)
def test_story_of_googles_task_never_names_the_relay(provider, code, place):
    task = failed(code, provider=provider, upstream_id="operations/1")
    output = "\n".join(story(task, "files", "https://relay.example"))
    assert place in output
    assert f"{'its job':24}operations/1" in output
    assert f"{'charged':24}no, unless Google charges for failed jobs" in output
    assert "relay" not in output


@pytest.mark.parametrize(
    ("fields", "charged"),
    [
        ({}, "maybe (Google was asked to stop the job before it was done)"),
        ({"job_ended_at": timestamp(9)}, "maybe (Google was asked to stop the job"),
        ({"done_at": timestamp(9)}, "yes, for 1 job(s) that Google took"),
        ({"late_upstream_ids": ["v2"]}, "yes, for 1 job(s) that Google took"),
    ],
)
def test_story_of_a_stopped_job_says_maybe_charged(fields, charged):
    stopped = {"provider": "gemini", "upstream_id": "v1", "cancel_asked_at": timestamp(8)}
    output = story(new_task(status=Status.CANCELLED, **stopped, **fields), "files")
    assert any(line.startswith(f"{'charged':24}{charged}") for line in output)


def test_a_story_of_the_callers_own_mistake_names_no_setting():
    lines = story(failed("invalid_image"), "files", "https://relay.example")
    assert not [line for line in lines if line.startswith("look at")]


def test_a_story_names_a_copied_videos_place():
    task = new_task(status=Status.COMPLETED, result={"video_key": "videos/bob/1.mp4"})
    assert f"{'video':24}s3://files/videos/bob/1.mp4" in story(task, "files")


def test_a_story_is_told_in_the_order_of_time():
    task = new_task(
        now=0,
        claimed_at=timestamp(1),
        intent_at=timestamp(2),
        accepted_at=timestamp(3),
        queued_at=timestamp(4),  # handed over to the next worker
        completed_at=timestamp(5),
    )
    times = [line[:24].strip() for line in story(task, "files") if "1970-01-01" in line]
    assert times[:6] == [
        "created", "claimed (first)", "last POST", "accepted", "queued (last)", "ended"
    ]  # fmt: skip


def test_story_of_an_unsent_task_has_no_time_of_sending():
    """A story of a task whose message was not sent tells no time of it."""
    assert not any("queued (last)" in line for line in story(new_task(queued_at=NEVER), "files"))


CHARGED = {
    "nothing was sent": ("pending", {}, "no"),
    "cancelled in time": ("cancelled", {}, "no"),
    "cancelled while it ran": ("cancelled", {"begun": True}, "yes, for 1 job(s)"),
    "refused by the relay": ("failed", {"upstream_id": None, "error": REFUSED}, "no\n"),
    "failed by the relay itself": ("failed", {}, "no, unless the relay charges"),
    "made but not fetched": ("failed", {"error": NOT_FETCHED}, "yes, for 1 job(s)"),
}


@pytest.mark.parametrize(("life", "how", "charged"), CHARGED.values(), ids=CHARGED)
def test_a_story_says_whether_money_was_spent(operate, services, life, how, charged):
    task = getattr(TaskFactory(services.store), life)(**how)
    assert f"\ncharged                 {charged}" in operate("task", task.task_id)


def test_story_counts_late_jobs_and_doubts_lost_answers(operate, services):
    """A story counts a job that was learnt too late and doubts a lost answer."""
    now = time.time()
    task = TaskFactory(services.store).pending(now=now)
    task = services.store.apply(task.task_id, claim("worker-1", now=now, lease_seconds=40))
    begun = begin_attempt(task, now=now, to=TO_RELAY, prompt="A fox")
    task = services.store.apply(task.task_id, begun)
    assert "charged                 maybe" in operate("task", task.task_id)
    services.store.apply(task.task_id, cancel(task, now=now, retention=60))
    services.store.apply(task.task_id, accepted_late("job:9"))
    output = operate("task", task.task_id)
    assert "jobs learnt too late    job:9" in output
    assert "charged                 yes, for 1 job(s)" in output


def test_story_names_ids_of_answers_that_took_no_order():
    unknown = failed("upstream_submit_unknown", failed_upstream_ids=["video_9", "t9"])
    assert f"{'jobs not followed':24}video_9, t9" in story(unknown, "files")
    followed = new_task(upstream_id="video_9", failed_upstream_ids=["video_9"])
    assert not [line for line in story(followed, "files") if line.startswith("jobs not followed")]


def test_a_task_that_is_not_there_is_said_to_be_so(operate):
    with pytest.raises(ValueError, match="No task vid_none"):
        operate("task", "vid_none")


def test_dead_letters_are_queued_again(operate, services):
    for number in range(12):
        services.sqs.send_message(
            QueueUrl=services.dead_letter_url, MessageBody=json.dumps({"task_id": f"vid_{number}"})
        )
    assert operate("redrive") == "12 dead letter(s) queued again.\n"
    assert len(services.messages()) == 12


def test_without_a_local_stack_the_one_to_start_is_named(monkeypatch, capsys):
    """Asked without a company's proxy, which does not know this machine's own ports."""
    with free_ports(1) as [port]:
        pass  # nobody listens there now
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_PORT", str(port))
    monkeypatch.setenv("ENV_FILE", os.devnull)
    assert main(["task", "vid_none"]) == 1
    assert f"No local stack at http://127.0.0.1:{port}: start `make run`" in capsys.readouterr().err


def test_a_deployed_stack_is_looked_for_in_a_region(monkeypatch, tmp_path, capsys):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert main(["--stack", "video-api", "task", "vid_none"]) == 1
    assert "Say AWS_REGION=" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["key", "bob", "--hourly", "3"], ["key", "a", "b"], ["x"]])
def test_a_command_line_that_is_not_known_is_said_in_a_sentence(capsys, arguments):
    assert main(arguments) == 1
    output = capsys.readouterr().err
    assert output.startswith("It did not work: ")
    assert len(output.splitlines()) == 1


def test_a_stack_that_is_not_there_is_said_in_words(services, capsys):
    assert services.is_untouched()
    assert main(["--stack", "nowhere", "task", "vid_none"]) == 1
    assert "It did not work: " in capsys.readouterr().err
