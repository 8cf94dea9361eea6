"""What one video asks of AWS and of the relay, counted on the real handlers, is what was agreed."""

from collections import Counter

import pytest

from benchmarks.bench import GENERATION
from benchmarks.calls import operations

SEND, READ = "sqs:SendMessage", "dynamodb:GetItem"
TRANSACTION, IMAGE = "dynamodb:TransactWriteItems", "s3:PutObject"
WORKERS = ("worker, video at the relay", "worker, video copied")
UNITS_WITHOUT_LEDGER = 76  # written for a video, measured before there was one
ALLOWED = {
    "submit, text": [TRANSACTION, SEND],
    "submit, inline image": [IMAGE, TRANSACTION, SEND],
    "upload, its form": [],
    "submit, uploaded image": ["s3:HeadObject", TRANSACTION, SEND],
    "submit, Idempotency-Key": [IMAGE, TRANSACTION, SEND],
    "submit by an SDK, first try": [TRANSACTION, SEND],
    "submit by an SDK, its retry": [READ, READ],
    "submit with a key": [TRANSACTION, SEND],
    "submit with a key, the first in a minute": [READ, TRANSACTION, SEND],
    "submit with a key and limits": ["dynamodb:BatchGetItem", TRANSACTION, SEND],
    "submit with a key and a cap in dollars": [READ, "dynamodb:BatchGetItem", TRANSACTION, SEND],
    "status, processing": [READ],
    "status, completed": [READ],
    "content": [READ],
    "cancel": [READ, TRANSACTION, READ],
    "delete": [READ, "s3:DeleteObject", TRANSACTION, READ],
    "list": ["dynamodb:Query"],
    "sweep, nothing to do": ["sqs:GetQueueAttributes", "dynamodb:Query"],
    "event sent to a webhook": [READ, "dynamodb:UpdateItem", READ, "dynamodb:UpdateItem"],
}


def calls(name):
    return [call.name for call in operations()[name].calls]


@pytest.mark.parametrize("name", ALLOWED)
def test_an_operation_makes_the_calls_that_it_needs_and_no_other(name):
    assert calls(name) == ALLOWED[name]


@pytest.mark.parametrize("name", ["status, processing", "content", "list"])
def test_a_read_writes_nothing(name):
    assert not operations()[name].written


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_posts_once_and_polls_thirteen_times_at_most(name):
    done = operations()[name]
    assert done.creates == 1
    assert done.polls <= 13


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_writes_its_steps_and_then_once_in_five_seconds(name):
    assert operations()[name].writes <= 6 + GENERATION / 5


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_done_a_second_after_the_relay(name):
    assert operations()[name].seconds <= GENERATION + 1


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_reads_its_task_at_the_end_and_sends_no_message(name):
    made = Counter(calls(name))
    assert (made[READ], made[SEND], made[TRANSACTION]) == (1, 0, 1)
    assert made["s3:GetObject"] == 1, "the input, once"


def test_a_copy_is_one_put_more():
    apart = Counter(calls(WORKERS[1])) - Counter(calls(WORKERS[0]))
    assert apart == {IMAGE: 1}


def test_ledger_costs_a_quarter_of_what_a_video_did_at_most():
    done = operations()
    units = sum(done[name].written.total() for name in ("submit, inline image", WORKERS[0]))
    assert units <= 1.25 * UNITS_WITHOUT_LEDGER


def test_a_task_is_one_kilobyte_or_two():
    written = operations()["submit, inline image"].written
    assert written["table"] <= 2 + 2, "in a transaction, with the ledger's"
    assert written["by_owner"] <= 2
    assert written["open"] == 1
