import pytest

from tests.support.template import properties


def triggers(deployment):
    """{queue: (function, trigger)} of every event source mapping."""
    return {
        trigger["EventSourceArn"]["Fn::GetAtt"][0]: (trigger["FunctionName"]["Ref"], trigger)
        for trigger in deployment.of_type("Lambda::EventSourceMapping").values()
    }


@pytest.mark.fails_when(
    the_dead_letters_lie_unread=lambda s: s["Resources"].pop("DeadLetterTrigger"),
    they_go_to_the_worker=lambda s: properties(s, "DeadLetterTrigger").update(
        FunctionName={"Ref": "WorkerFunction"}
    ),
)
def test_each_queue_is_emptied_by_its_function(template):
    emptied = {queue: function for queue, (function, _) in triggers(template.deployed()).items()}
    assert emptied == {
        "TasksQueue": "WorkerFunction",
        "DeadLetterQueue": "DeadLetterFunction",
        "WebhooksQueue": "NotifierFunction",
    }
    # Webhooks' dead letters are looked at by people alone: the table still owes what they hint at.
    queues = template.deployed().of_type("SQS::Queue").keys()
    assert queues - emptied.keys() == {"WebhooksDeadLetterQueue"}


@pytest.mark.fails_when(
    the_worker_may_take_longer=lambda s: properties(s, "TasksQueue").update(VisibilityTimeout=899),
    the_default_of_sqs=lambda s: properties(s, "DeadLetterQueue").update(VisibilityTimeout=10),
)
def test_message_stays_hidden_while_its_function_may_run(template):
    deployment = template.deployed()
    for queue, (function, _) in triggers(deployment).items():
        assert deployment[queue]["VisibilityTimeout"] >= deployment[function]["Timeout"]


@pytest.mark.fails_when(
    one_failure_fails_all=lambda s: properties(s, "DeadLetterTrigger").pop("FunctionResponseTypes"),
    a_worker_holds_several_tasks=lambda s: properties(s, "WorkerTrigger").update(BatchSize=2),
)
def test_failures_are_told_by_message_and_the_worker_takes_one(template):
    mappings = triggers(template.deployed())
    for _, trigger in mappings.values():
        assert trigger.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
    assert mappings["TasksQueue"][1]["BatchSize"] == 1


@pytest.mark.fails_when(
    the_poller_is_uncapped=lambda s: properties(s, "WorkerTrigger").pop("ScalingConfig"),
    the_poller_is_fixed=lambda s: properties(s, "WorkerTrigger").update(
        ScalingConfig={"MaximumConcurrency": 2}
    ),
    nothing_is_reserved=lambda s: properties(s, "WorkerFunction").pop(
        "ReservedConcurrentExecutions"
    ),
)
@pytest.mark.parametrize("cap", ["2", "10"])
def test_pollers_and_reserved_executions_are_both_the_cap(template, cap):
    deployment = template.deployed(VideoMaxConcurrent=cap)
    assert deployment["WorkerTrigger"].get("ScalingConfig") == {"MaximumConcurrency": cap}
    assert deployment["WorkerFunction"].get("ReservedConcurrentExecutions") == cap


@pytest.mark.fails_when(
    aws_refuses_one_poller=lambda s: s["Conditions"].update(SeveralAtATime={"Fn::Equals": [1, 1]})
)
def test_a_cap_of_one_is_kept_by_the_reserved_execution_alone(template):
    deployment = template.deployed(VideoMaxConcurrent="1")
    assert "ScalingConfig" not in deployment["WorkerTrigger"]
    assert deployment["WorkerFunction"]["ReservedConcurrentExecutions"] == "1"


@pytest.mark.fails_when(
    it_is_reserved_all_the_same=lambda s: s["Conditions"].update(Reserved={"Fn::Equals": [1, 1]})
)
@pytest.mark.parametrize("cap", ["2", "10"])
def test_small_account_reserves_nothing_and_keeps_the_cap(template, cap):
    deployment = template.deployed(ReserveConcurrency="false", VideoMaxConcurrent=cap)
    assert "ReservedConcurrentExecutions" not in deployment["WorkerFunction"]
    assert deployment["WorkerTrigger"]["ScalingConfig"] == {"MaximumConcurrency": cap}


@pytest.mark.fails_when(
    it_is_allowed=lambda s: s["Rules"].pop("OneAtATimeIsReserved"),
    it_looks_at_another_number=lambda s: s["Rules"]["OneAtATimeIsReserved"]["Assertions"][0].update(
        Assert={"Fn::Not": [{"Fn::Equals": [{"Ref": "VideoMaxConcurrent"}, "2"]}]}
    ),
)
def test_a_cap_of_one_that_nothing_would_keep_is_refused(template):
    assert template.allows()
    assert template.allows(VideoMaxConcurrent="1")
    assert template.allows(ReserveConcurrency="false", VideoMaxConcurrent="2")
    assert not template.allows(ReserveConcurrency="false", VideoMaxConcurrent="1")


@pytest.mark.fails_when(
    five_times=lambda s: properties(s, "TasksQueue")["RedrivePolicy"].update(maxReceiveCount=5)
)
def test_waiting_message_is_never_throttled_to_death(template):
    """A message that waits for a single worker is never throttled to death."""
    queue = template.deployed(VideoMaxConcurrent="1")["TasksQueue"]
    longest = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"]
    assert longest > queue["MessageRetentionPeriod"]


@pytest.mark.fails_when(
    there_are_none=lambda s: properties(s, "TasksQueue").pop("RedrivePolicy"),
    one_crash_is_enough=lambda s: properties(s, "TasksQueue")["RedrivePolicy"].update(
        maxReceiveCount=1
    ),
    they_vanish=lambda s: properties(s, "DeadLetterQueue").update(MessageRetentionPeriod=345600),
)
def test_message_that_failed_five_times_is_kept_14_days(template):
    deployment = template.deployed()
    assert deployment["TasksQueue"].get("RedrivePolicy") == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
        "maxReceiveCount": 5,
    }
    assert deployment["DeadLetterQueue"]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.fails_when(
    one_is_plain=lambda s: properties(s, "TasksQueue").pop("SqsManagedSseEnabled")
)
def test_messages_lie_encrypted(template):
    for queue in template.deployed().of_type("SQS::Queue").values():
        assert queue.get("SqsManagedSseEnabled") is True


@pytest.mark.fails_when(
    an_hour=lambda s: properties(s, "SweeperFunction")["Events"]["EveryMinute"][
        "Properties"
    ].update(Schedule="rate(1 hour)"),
    two_at_once=lambda s: properties(s, "SweeperFunction").update(Timeout=61),
    a_missed_one_comes_twice=lambda s: properties(s, "SweeperFunction").pop("EventInvokeConfig"),
)
def test_sweeper_runs_every_minute_and_is_not_repeated(template):
    deployment = template.deployed()
    (rule,) = deployment.of_type("Events::Rule").values()
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["SweeperFunction", "Arn"]}
    assert deployment["SweeperFunction"]["Timeout"] < 60
    retries = deployment.of_type("Lambda::EventInvokeConfig").values()
    assert [retry["MaximumRetryAttempts"] for retry in retries] == [0]


@pytest.mark.fails_when(
    hand_overs_are_stopped=lambda s: properties(s, "WorkerFunction").pop("RecursiveLoop"),
    put_back_letters_are_stopped=lambda s: properties(s, "DeadLetterFunction").pop("RecursiveLoop"),
)
def test_functions_that_send_to_the_worker_are_no_loop_to_lambda(template):
    deployment = template.deployed()
    for function in ("WorkerFunction", "DeadLetterFunction", "NotifierFunction"):
        assert deployment[function].get("RecursiveLoop") == "Allow"
