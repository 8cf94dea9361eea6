import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber

from tests.support.task_factory import new_task
from videoapi.aws.table import MAX_TRIES, PATIENCE_SECONDS, ConditionFailed, Write
from videoapi.aws.task_items import listed_at, task_item
from videoapi.aws.task_store import MAX_FILTERED_PAGES, TaskStore, Unconfirmed
from videoapi.domain import attempts, endings, transitions
from videoapi.domain.tasks import SHARDS
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import Change
from videoapi.errors import ServiceError

NOW = 1_768_127_400.0
OUTAGES = ["ProvisionedThroughputExceededException", ""]


@pytest.fixture
def store(services):
    return services.store


@pytest.fixture
def seven(store):
    """Return seven tasks, oldest first."""
    tasks = [new_task(now=NOW + number // 2) for number in range(7)]
    for task in tasks:
        store.create(task)
    return sorted(tasks, key=listed_at)


def test_a_second_task_of_the_same_id_finds_the_first(store):
    first = new_task(fingerprint="one")
    assert store.create(first) is None
    second = new_task(task_id=first.task_id, fingerprint="other")
    assert store.create(second) == first
    assert store.get(first.task_id) == first


def beside(*, condition="attribute_not_exists(task_id)"):
    body = {"Item": {"task_id": {"S": "other#1"}}, "ConditionExpression": condition}
    return Write("beside", "Put", body)


def test_second_task_of_one_id_finds_the_first(store, services):
    """A second task of the same id finds the first in a transaction too."""
    first = new_task(fingerprint="one")
    assert store.create(first) is None
    second = new_task(task_id=first.task_id, fingerprint="other")
    assert store.create(second, beside()) == first
    assert list(services.items()) == [first.task_id], "all or nothing"


def test_task_is_not_written_where_another_condition_fails(store, services):
    store.create(new_task(), beside())
    with pytest.raises(ConditionFailed) as failed:
        store.create(new_task(), beside())
    assert (failed.value.name, failed.value.item) == ("beside", {"task_id": "other#1"})
    assert len(services.items()) == 2


@pytest.mark.parametrize("repeated", [False, True])
def test_put_repeated_by_botocore_is_no_replay(repeated):
    """Its second try finds what the first has written: the same task, of the same request."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    task, stub = new_task(fingerprint="one"), Stubber(client)
    stub.add_client_error(
        "put_item",
        "ConditionalCheckFailedException",
        modeled_fields={"Item": task_item(task)},
        response_meta={"RetryAttempts": int(repeated)},
    )
    stub.activate()
    assert TaskStore(client, "tasks").create(task) == (None if repeated else task)


@pytest.mark.parametrize("others", [(), (beside(),)], ids=["put", "transaction"])
@pytest.mark.parametrize("code", ["InternalServerError", ""])
def test_lost_answer_is_settled_by_one_read(store, services, others, code):
    call = "dynamodb:TransactWriteItems" if others else "dynamodb:PutItem"
    task = new_task(fingerprint="one")

    def lose_the_answer():
        assert store.create(task, *others) is None
        services.calls.fail(call, code)

    services.calls.before(call, lose_the_answer)
    assert store.create(task, *others) is None
    assert services.calls.made[-1] == "dynamodb:GetItem"


def test_lost_answer_of_nothing_written_is_a_service_error(store, services):
    services.calls.fail("dynamodb:PutItem", "")
    with pytest.raises(ServiceError) as error:
        store.create(new_task())
    assert error.value.retryable
    assert services.items() == {}


@pytest.mark.parametrize("others", [(), (beside(),)], ids=["put", "transaction"])
def test_write_that_may_be_on_its_way_is_unconfirmed(store, services, others):
    """A read that finds nothing proves nothing of a write that DynamoDB may still make."""
    call = "dynamodb:TransactWriteItems" if others else "dynamodb:PutItem"
    services.calls.fail(call, "InternalServerError")
    with pytest.raises(Unconfirmed) as error:
        store.create(new_task(), *others)
    assert not error.value.retryable


def test_lost_answer_that_no_read_can_settle_is_told_apart(store, services):
    services.calls.fail("dynamodb:PutItem", "")
    services.calls.fail("dynamodb:GetItem", "InternalServerError")
    with pytest.raises(Unconfirmed) as error:
        store.create(new_task())
    assert not error.value.retryable
    assert len(error.value.__notes__) == 2


def test_write_that_is_not_allowed_is_read_back_by_nobody(store, services):
    services.calls.fail("dynamodb:PutItem", "AccessDeniedException", status=400)
    services.calls.forget_made()
    with pytest.raises(ServiceError) as error:
        store.create(new_task())
    assert not error.value.retryable
    assert services.calls.made == ["dynamodb:PutItem"]


def test_single_update_is_no_transaction(store, services):
    services.calls.forget_made()
    key = {"task_id": {"S": "counter"}}
    body = {
        "Key": key,
        "UpdateExpression": "ADD submits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    store.transact(Write("minute", "Update", body))
    assert services.calls.made == ["dynamodb:UpdateItem"]
    assert store.read("counter") == {"task_id": "counter", "submits": 1}


def test_a_tombstone_is_found_by_whoever_comes_after_it(store):
    task = new_task(fingerprint="one")
    store.create(task)
    store.apply(task.task_id, endings.delete(task, now=NOW, retention=60))
    assert store.get(task.task_id) is None
    found = store.create(task)
    assert (found.status, found.fingerprint) == ("deleted", "one")
    assert store.get(task.task_id, deleted=True) == found


def test_what_is_no_task_id_is_none_without_a_call(store, services):
    before = len(services.calls.made)
    assert store.get("") is None
    assert store.get("fingerprint#anonymous#f") is None
    assert len(services.calls.made) == before


def test_no_change_makes_a_task_that_is_not_there(store, services):
    task = new_task(now=NOW)
    change = endings.cancel(task, now=NOW, retention=60)
    assert store.apply(task.task_id, change) is None
    assert services.items() == {}


@pytest.mark.parametrize(
    "change",
    [
        Change(leaves=frozenset({"processing"}), sets={"progress": 9}),
        Change(leaves=frozenset({"pending"}), equals={"owner": "x"}, sets={"progress": 9}),
        Change(leaves=frozenset({"pending"}), equals={"owner": None}, sets={"progress": 9}),
        Change(
            leaves=frozenset({"pending"}), lease_before=timestamp(NOW - 1), sets={"progress": 9}
        ),
        Change(leaves=frozenset({"pending"}), sets={"progress": 6}),
    ],
    ids=["status", "value", "presence", "lease", "progress"],
)
def test_change_whose_condition_fails_writes_nothing(store, services, change):
    """A change whose condition does not hold is None and writes nothing."""
    task = new_task(now=NOW, progress=7)
    store.create(task)
    before = services.items()
    assert store.apply(task.task_id, change) is None
    assert services.items() == before


def test_a_change_returns_the_task_after_it(store):
    task = new_task(now=NOW, image_url="https://x")
    store.create(task)
    change = Change(
        leaves=frozenset({"pending"}),
        equals={"upstream_id": None},
        sets={"progress": 7, "image_url": None},
        keeps={"claimed_at": "first"},
        appends={"late_upstream_ids": "a"},
    )
    after = store.apply(task.task_id, change)
    assert (after.progress, after.image_url, after.claimed_at) == (7, None, "first")
    again = store.apply(
        task.task_id,
        Change(
            leaves=frozenset({"pending"}),
            keeps={"claimed_at": "second"},
            appends={"late_upstream_ids": "b"},
        ),
    )
    assert again == store.get(task.task_id)
    assert (again.claimed_at, again.late_upstream_ids) == ("first", ["a", "b"])


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_go_on_where_the_last_one_ended(store, seven, newest_first):
    found, after = [], None
    for size in (3, 3, 1):
        page = store.page("anonymous", limit=3, after=after, newest_first=newest_first)
        assert len(page.tasks) == size
        found, after = found + page.tasks, page.after
    assert after is None
    assert found == (seven[::-1] if newest_first else seven)


@pytest.mark.usefixtures("seven")
def test_page_of_exactly_the_limit_has_no_more(store):
    assert store.page("anonymous", limit=7).after is None
    assert store.page("anonymous", limit=6).after is not None


@pytest.mark.usefixtures("seven")
def test_a_list_is_of_one_owner(store):
    assert store.page("somebody-else", limit=7).tasks == []


class Endless:
    """A DynamoDB whose every query finds one task, and more behind it."""

    def __init__(self):
        self.starts = []

    def query(self, **request):
        self.starts.append(request.get("ExclusiveStartKey"))
        item = task_item(new_task(now=NOW))
        return {
            "Items": [item],
            "LastEvaluatedKey": {"task_id": item["task_id"], "listed_at": item["listed_at"]},
        }


def test_search_for_a_rare_status_stops_with_a_cursor():
    """A search for a rare status stops after a while and says where to go on."""
    endless = Endless()
    page = TaskStore(endless, "tasks").page("anonymous", limit=1, status="cancelled")
    assert len(endless.starts) == MAX_FILTERED_PAGES
    assert len({str(start) for start in endless.starts}) == MAX_FILTERED_PAGES, (
        "each from where the last ended"
    )
    assert page.tasks == []
    assert page.after.startswith(timestamp(NOW))


def test_a_page_that_is_full_asks_for_no_more():
    endless = Endless()
    page = TaskStore(endless, "tasks").page("anonymous", limit=2)
    assert (len(page.tasks), len(endless.starts)) == (2, 3)
    assert page.after == listed_at(page.tasks[-1])


def test_overdue_tasks_of_every_shard_are_found(store, task_factory):
    """Overdue are open tasks of every shard whose time has passed."""
    due = {task_factory.pending(now=NOW).task_id for _ in range(SHARDS * 3)}
    task_factory.pending(now=NOW + 600)
    task_factory.cancelled(now=NOW)
    task_factory.processing(now=NOW)
    assert set(store.overdue(NOW + 300, paid=False)) == due
    assert list(store.overdue(NOW, paid=False)) == []


def test_overdue_come_in_the_order_in_which_they_were_due(store, task_factory):
    due = [
        task_factory.pending(now=NOW + number % 7, due_at=timestamp(NOW + number)).task_id
        for number in (5, 3, 4, 1, 2, 6, 8, 7)
    ]
    assert list(store.overdue(NOW + 300, paid=False)) == [
        due[number] for number in (3, 4, 1, 2, 0, 5, 7, 6)
    ]


def test_overdue_with_a_paid_job_are_told_apart(store, task_factory):
    paid = task_factory.processing(now=NOW)
    refused = task_factory.processing(now=NOW)
    change = attempts.retry_submit(refused, now=NOW, again_at=NOW)
    assert store.apply(refused.task_id, change)
    assert list(store.overdue(NOW + 300, paid=True)) == [paid.task_id]
    assert list(store.overdue(NOW + 300, paid=False)) == [refused.task_id]


def test_overdue_are_read_page_by_page(services, monkeypatch, task_factory):
    monkeypatch.setattr("videoapi.aws.task_store.SWEEP_LIMIT", 2)
    due = {task_factory.processing(now=NOW).task_id for _ in range(5)}
    assert set(services.store.overdue(NOW + 300, paid=True)) == due


ACTIONS = {
    "dynamodb:PutItem": lambda store: store.create(new_task()),
    "dynamodb:TransactWriteItems": lambda store: store.create(new_task(), beside()),
    "dynamodb:GetItem": lambda store: store.get(new_task().task_id),
    "dynamodb:UpdateItem": lambda store: store.apply(
        new_task().task_id, transitions.claim("w", now=NOW, lease_seconds=1)
    ),
    "dynamodb:BatchGetItem": lambda store: store.read_all(["limits#alice"]),
    "dynamodb:Query": lambda store: store.page("anonymous", limit=1),
}


@pytest.mark.parametrize("code", OUTAGES)
@pytest.mark.parametrize("call", ACTIONS)
def test_outage_is_a_service_error_with_awss_words(services, call, code):
    """An outage is a service error whose note tells what AWS said."""
    services.calls.fail(call, code)
    with pytest.raises(ServiceError) as caught:
        ACTIONS[call](services.store)
    assert caught.value.retryable
    assert caught.value.__notes__[0].startswith("DynamoDB: ")
    assert caught.value.__cause__ is not None
    assert "made up" not in caught.value.message


def test_overdue_of_an_absent_table_is_a_service_error_too(services):
    services.calls.fail("dynamodb:Query")
    with pytest.raises(ServiceError):
        list(services.store.overdue(NOW, paid=True))


NOTHING, MET, FAILED = "None", "TransactionConflict", "ConditionalCheckFailed"


def meeting(*answers):
    """Return a store whose transactions get these answers: codes for the two writes, or none."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    stub = Stubber(client)
    for codes in answers:
        if codes:
            found = {"task_id": {"S": "vid_found"}, "status": {"S": "pending"}}
            found |= {name: {"S": "x"} for name in ("owner", "updated_at")}
            reasons = [
                {"Code": code} | ({"Item": found} if code == FAILED else {}) for code in codes
            ]
            error = "TransactionCanceledException"
            stub.add_client_error(
                "transact_write_items", error, modeled_fields={"CancellationReasons": reasons}
            )
        else:
            stub.add_response("transact_write_items", {})
    stub.add_response("get_item", {})  # of a task that is not there
    stub.activate()
    pauses = []
    return TaskStore(client, "tasks", sleep=pauses.append), pauses


@pytest.mark.parametrize("met", [[MET, NOTHING], [NOTHING, MET], [MET, MET]], ids=str)
def test_transactions_that_meet_are_made_again_after_a_pause(met):
    store, pauses = meeting(*[met] * (MAX_TRIES - 1), [])
    assert store.create(new_task(), beside()) is None
    assert len(pauses) == MAX_TRIES - 1
    assert len(set(pauses)) > 1, "jitter"


def refused(code, status=400, **fields):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **fields}
    return ClientError(response, "TransactWriteItems")


NO_ANSWER = ReadTimeoutError(endpoint_url="https://aws.example.com")
NO_CONNECTION = ConnectTimeoutError(endpoint_url="https://aws.example.com")
IN_PROGRESS = refused("TransactionInProgressException")
ANOTHER = refused(
    "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": MET}]
)


class Answering:
    """A DynamoDB that gives these answers to writes, and has no item."""

    def __init__(self, *answers):
        self.answers, self.tokens = list(answers), []

    def transact_write_items(self, *, ClientRequestToken, **_):  # noqa: N803 — botocore's name
        self.tokens.append(ClientRequestToken)
        response = self.answers.pop(0)
        if response is not None:
            raise response
        return {}

    def put_item(self, **_):
        raise self.answers.pop(0)

    def get_item(self, **_):
        return {}


@pytest.mark.parametrize("patience", [PATIENCE_SECONDS, 2 * PATIENCE_SECONDS])
def test_no_transaction_is_begun_after_its_time(patience):
    """A caller reads our 503, not the gateway's, however many others a transaction meets."""
    passed = []
    store = TaskStore(
        Answering(*[ANOTHER] * MAX_TRIES),
        "tasks",
        sleep=passed.append,
        patience=patience,
        monotonic=lambda: len(passed) * 1.0,
    )
    with pytest.raises(ServiceError) as error:
        store.create(new_task(), beside())
    assert error.value.retryable
    assert len(passed) == patience


@pytest.mark.parametrize(
    "lost",
    [
        [IN_PROGRESS] * (MAX_TRIES - 1),
        [NO_ANSWER, IN_PROGRESS, IN_PROGRESS],
        [refused("InternalServerError", 500)],
    ],
    ids=["in progress", "no answer", "500"],
)
def test_transaction_of_unknown_end_is_asked_by_its_token(lost):
    client, task = Answering(*lost, None), new_task()
    assert TaskStore(client, "tasks", sleep=lambda _: None).create(task, beside()) is None
    assert len(set(client.tokens)) == 1
    assert len(client.tokens) == len(lost) + 1


def test_transaction_that_met_another_has_a_new_token():
    client = Answering(ANOTHER, NO_ANSWER, ANOTHER, None)
    assert TaskStore(client, "tasks", sleep=lambda _: None).create(new_task(), beside()) is None
    assert [len(set(client.tokens)), client.tokens[1]] == [3, client.tokens[2]]


def test_task_that_a_lost_transaction_wrote_is_no_replay():
    task = new_task(fingerprint="one")
    reasons = [{"Code": FAILED, "Item": task_item(task)}, {"Code": NOTHING}]
    client = Answering(
        NO_ANSWER, ANOTHER, refused("TransactionCanceledException", CancellationReasons=reasons)
    )
    assert TaskStore(client, "tasks", sleep=lambda _: None).create(task, beside()) is None


@pytest.mark.parametrize(
    "lost", [[NO_ANSWER] * 2, [IN_PROGRESS] * MAX_TRIES], ids=["no answer", "in progress"]
)
def test_transaction_whose_end_stays_unknown_is_unconfirmed(lost):
    """A read that finds nothing proves nothing yet: a repetition might pay twice."""
    client = Answering(*lost)
    with pytest.raises(Unconfirmed):
        TaskStore(client, "tasks", sleep=lambda _: None).create(new_task(), beside())
    assert client.answers == []


@pytest.mark.parametrize("others", [(), (beside(),)], ids=["put", "transaction"])
def test_write_that_was_not_sent_may_be_repeated(others):
    client = Answering(NO_CONNECTION)
    with pytest.raises(ServiceError) as error:
        TaskStore(client, "tasks").create(new_task(), *others)
    assert error.value.retryable


def test_change_that_meets_a_transaction_is_made_again():
    """A heartbeat may meet the end of its task, a sweep a cancel."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    stub, pauses = Stubber(client), []
    stub.add_client_error("update_item", "TransactionConflictException", http_status_code=400)
    stub.add_response("update_item", {"Attributes": task_item(new_task(progress=9))})
    stub.activate()
    change = Change(leaves=frozenset({"processing"}), sets={"progress": 9})
    after = TaskStore(client, "tasks", sleep=pauses.append).apply("vid_1", change)
    assert (after.progress, len(pauses)) == (9, 1)


@pytest.mark.parametrize("met", [[MET, NOTHING], [NOTHING, MET]], ids=str)
def test_endless_transaction_conflict_is_503(met):
    """A transaction that meets others without end is 503 with nothing written."""
    store, pauses = meeting(*[met] * MAX_TRIES)
    with pytest.raises(ServiceError) as error:
        store.create(new_task(), beside())
    assert error.value.retryable
    assert len(pauses) == MAX_TRIES - 1


@pytest.mark.parametrize("codes", [[FAILED, NOTHING], [FAILED, MET], [FAILED, FAILED]], ids=str)
def test_failed_condition_of_the_task_is_the_task_that_is_there(codes):
    store, pauses = meeting([MET, MET], codes)
    assert store.create(new_task(), beside()).task_id == "vid_found"
    assert len(pauses) == 1


@pytest.mark.parametrize("codes", [[NOTHING, FAILED], [MET, FAILED]], ids=str)
def test_failed_condition_of_another_write_is_named(codes):
    store, _ = meeting(codes)
    with pytest.raises(ConditionFailed) as failed:
        store.create(new_task(), beside())
    assert failed.value.name == "beside"


def ending():
    task = new_task(now=NOW, cost_reserved=3)
    return endings.cancel(task, now=NOW, retention=60)


@pytest.mark.parametrize("met", [[MET, NOTHING], [NOTHING, MET], [MET, MET]], ids=str)
def test_end_that_meets_another_on_the_ledger_is_made_again(met):
    store, pauses = meeting(met, met, [])
    assert store.apply(new_task().task_id, ending()) is None, "read after it, and gone by then"
    assert len(pauses) == 2


@pytest.mark.parametrize("codes", [[FAILED, NOTHING], [FAILED, MET], [FAILED, FAILED]], ids=str)
def test_end_of_a_task_that_went_on_is_not_made(codes):
    store, pauses = meeting([MET, MET], codes)
    assert store.apply(new_task().task_id, ending()) is None
    assert len(pauses) == 1


@pytest.mark.parametrize("codes", [[NOTHING, FAILED], [MET, FAILED]], ids=str)
def test_entry_without_room_is_named(codes):
    store, _ = meeting(codes)
    with pytest.raises(ConditionFailed, match="usage#anonymous#2026-01-11"):
        store.apply(new_task().task_id, ending())


def test_throttled_transaction_is_not_made_again_by_us():
    store, pauses = meeting(["ThrottlingError", NOTHING])
    with pytest.raises(ServiceError) as error:
        store.create(new_task(), beside())
    assert (error.value.retryable, pauses) == (True, [])
