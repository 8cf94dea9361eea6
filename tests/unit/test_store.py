from dataclasses import replace

import boto3
import pytest
from botocore.stub import Stubber

from tests.functional.lives import new_task
from videoapi import transitions
from videoapi.errors import ServiceError
from videoapi.items import task_item
from videoapi.store import CONFLICTS, PAGES, Memory, TaskStore
from videoapi.tasks import SHARDS, timestamp
from videoapi.transitions import Change, listed_at

NOW = 1_768_127_400.0
MEMORY = Memory(began=NOW - 900, until=NOW, retry=False)
OUTAGES = ["ProvisionedThroughputExceededException", ""]


@pytest.fixture
def store(cloud):
    return cloud.store


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


def test_a_second_task_of_the_same_id_finds_the_first_in_a_transaction_too(store):
    first = new_task(fingerprint="one")
    assert store.create(first, MEMORY) is None
    second = new_task(task_id=first.task_id, fingerprint="other")
    assert store.create(second, MEMORY) == first
    assert store.recent_twin(first.owner, "other", now=NOW - 60) is None


def test_a_tombstone_is_found_by_whoever_comes_after_it(store):
    task = new_task(fingerprint="one")
    store.create(task)
    store.apply(task.task_id, transitions.delete(task, now=NOW, retention=60))
    assert store.get(task.task_id) is None
    found = store.create(task)
    assert (found.status, found.fingerprint) == ("deleted", "one")
    assert store.get(task.task_id, deleted=True) == found


def test_a_fingerprint_is_remembered_for_its_owner_until_its_time(store):
    task = new_task(fingerprint="f")
    store.create(task, MEMORY)
    assert store.recent_twin(task.owner, "f", now=NOW - 0.5) == task.task_id
    assert store.recent_twin(task.owner, "f", now=NOW) is None
    assert store.recent_twin("somebody-else", "f", now=NOW - 1) is None


def wish():
    return new_task(fingerprint="f")


def first_try(*, began=NOW):
    return Memory(began=began, until=NOW + 900, retry=False)


def a_retry(*, began=NOW, gone=""):
    return Memory(began=began, until=NOW + 900, retry=True, gone=gone)


def test_a_first_try_that_its_own_retry_overtook_is_the_retrys_task(store):
    retry = wish()
    assert store.create(retry, a_retry(began=NOW + 1)) is None
    assert store.create(wish(), first_try()) == retry
    assert store.recent_twin(retry.owner, "f", now=NOW) == retry.task_id


def test_a_wish_that_began_after_a_retry_is_a_new_one(store):
    store.create(wish(), a_retry())
    assert store.create(wish(), first_try()) is None
    assert store.create(wish(), first_try(began=NOW - 1)) is None, "the retry is forgotten by now"


def test_a_retry_finds_what_was_written_since_it_looked(store):
    first = wish()
    store.create(first, first_try())
    assert store.create(wish(), a_retry()) == first
    assert store.create(wish(), a_retry(gone=first.task_id)) is None


def test_a_retry_does_not_mind_what_has_expired(store):
    store.create(wish(), first_try())
    assert store.create(wish(), a_retry(began=NOW + 899)) is not None
    assert store.create(wish(), a_retry(began=NOW + 900)) is None


def test_a_twin_that_was_taken_back_meanwhile_is_no_answer_yet(store):
    retry = wish()
    store.create(retry, a_retry(began=NOW + 1))
    store.take_back(retry)
    with pytest.raises(ServiceError):
        store.create(wish(), first_try())


def test_what_is_no_task_id_is_none_without_a_call(store, cloud):
    before = len(cloud.calls.made)
    assert store.get("") is None
    assert store.get("fingerprint#anonymous#f") is None
    assert len(cloud.calls.made) == before


def test_no_change_makes_a_task_that_is_not_there(store, cloud):
    change = transitions.cancel(now=NOW, retention=60)
    assert store.apply(new_task().task_id, change) is None
    assert cloud.items() == {}


@pytest.mark.parametrize(
    "change",
    [
        Change(leaves=frozenset({"processing"}), sets={"progress": 1}),
        Change(leaves=frozenset({"pending"}), equals={"owner": "x"}, sets={"progress": 1}),
        Change(leaves=frozenset({"pending"}), equals={"owner": None}, sets={"progress": 1}),
        Change(
            leaves=frozenset({"pending"}), lease_before=timestamp(NOW - 1), sets={"progress": 1}
        ),
    ],
    ids=["status", "value", "presence", "lease"],
)
def test_a_change_whose_condition_does_not_hold_is_a_none_and_no_write(store, cloud, change):
    task = new_task(now=NOW)
    store.create(task)
    before = cloud.items()
    assert store.apply(task.task_id, change) is None
    assert cloud.items() == before


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


def test_only_a_pending_task_is_taken_back(store, lives):
    pending, begun = lives.pending(), lives.processing()
    assert store.take_back(pending)
    assert store.get(pending.task_id) is None
    assert not store.take_back(begun)
    assert store.get(begun.task_id) == begun
    assert store.take_back(new_task())


def test_a_task_of_another_request_is_not_there_to_be_taken_back_and_stays(store, lives):
    """Of two requests with one key in the same millisecond, the second's put may go unanswered."""
    first = lives.pending(submitted_by="first")
    assert store.take_back(replace(first, submitted_by="second"))
    assert store.get(first.task_id) == first


def test_a_task_that_a_replay_has_touched_is_not_taken_back(store, lives):
    task = lives.pending()
    touched = store.apply(task.task_id, transitions.requeue(task, now=0, grace=60))
    assert not store.take_back(task)
    assert store.get(task.task_id) == touched


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
def test_a_page_has_no_more_where_the_limit_is_the_number_of_tasks(store):
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


def test_a_search_for_a_rare_status_stops_after_a_while_and_says_where_to_go_on():
    endless = Endless()
    page = TaskStore(endless, "tasks").page("anonymous", limit=1, status="cancelled")
    assert len(endless.starts) == PAGES
    assert len({str(start) for start in endless.starts}) == PAGES, "each from where the last ended"
    assert page.tasks == []
    assert page.after.startswith(timestamp(NOW))


def test_a_page_that_is_full_asks_for_no_more():
    endless = Endless()
    page = TaskStore(endless, "tasks").page("anonymous", limit=2)
    assert (len(page.tasks), len(endless.starts)) == (2, 3)
    assert page.after == listed_at(page.tasks[-1])


def test_overdue_are_open_tasks_of_every_shard_whose_time_has_passed(store, lives):
    due = {lives.pending(now=NOW).task_id for _ in range(SHARDS * 3)}
    lives.pending(now=NOW + 600)
    lives.cancelled(now=NOW)
    assert set(store.overdue(NOW + 300)) == due
    assert list(store.overdue(NOW)) == []


ACTIONS = {
    "dynamodb:PutItem": lambda store: store.create(new_task()),
    "dynamodb:TransactWriteItems": lambda store: store.create(new_task(), MEMORY),
    "dynamodb:GetItem": lambda store: store.get(new_task().task_id),
    "dynamodb:UpdateItem": lambda store: store.apply(
        new_task().task_id, transitions.cancel(now=NOW, retention=1)
    ),
    "dynamodb:DeleteItem": lambda store: store.take_back(new_task()),
    "dynamodb:Query": lambda store: store.page("anonymous", limit=1),
}


@pytest.mark.parametrize("code", OUTAGES)
@pytest.mark.parametrize("call", ACTIONS)
def test_an_outage_is_a_service_error_whose_note_tells_what_aws_said(cloud, call, code):
    cloud.calls.fail(call, code)
    with pytest.raises(ServiceError) as caught:
        ACTIONS[call](cloud.store)
    assert caught.value.retryable
    assert caught.value.__notes__[0].startswith("DynamoDB: ")
    assert caught.value.__cause__ is not None
    assert "made up" not in caught.value.message


def test_overdue_of_an_absent_table_is_a_service_error_too(cloud):
    cloud.calls.fail("dynamodb:Query")
    with pytest.raises(ServiceError):
        list(cloud.store.overdue(NOW))


def meeting(*answers):
    """Return a store whose transactions get these answers: codes for the two puts, or none."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    stub = Stubber(client)
    for codes in answers:
        if codes:
            reasons = {"CancellationReasons": [{"Code": code} for code in codes]}
            error = "TransactionCanceledException"
            stub.add_client_error("transact_write_items", error, modeled_fields=reasons)
        else:
            stub.add_response("transact_write_items", {})
    stub.activate()
    return TaskStore(client, "tasks"), stub


def test_transactions_that_meet_are_tried_again():
    conflict = ["None", "TransactionConflict"]
    store, stub = meeting(*[conflict] * (CONFLICTS - 1), [])
    assert store.create(wish(), first_try()) is None
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    "answers",
    [[["None", "TransactionConflict"]] * CONFLICTS, [["ThrottlingError", "None"]]],
    ids=["conflicts without end", "no conflict"],
)
def test_a_transaction_that_does_not_come_through_is_a_service_error(answers):
    store, stub = meeting(*answers)
    with pytest.raises(ServiceError):
        store.create(wish(), first_try())
    stub.assert_no_pending_responses()
