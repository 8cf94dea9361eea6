"""The store of the tests and DynamoDB read every `Change` alike, conditions and all."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.support.fakes import START, FakeStore
from tests.support.simulation import Simulation
from tests.support.task_factory import TO_RELAY
from videoapi.aws.table import ConditionFailed
from videoapi.domain import attempts, endings, ledger, transitions
from videoapi.domain.tasks import GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.errors import GenerationError
from videoapi.webhooks import changes

DAY = 24 * 3600
ERROR = GenerationError("Nö.", code="generation_failed", maybe_charged=True)
EXAMPLES = itertools.count()

# Each makes a change of a task as somebody saw it, perhaps long ago.
CHANGES = {
    "claim": lambda now, pick, **_: transitions.claim(f"worker-{pick}", now=now, lease_seconds=40),
    "renew": lambda task, now, pick: transitions.renew(
        task, now=now, lease_seconds=40, progress=10 * pick
    ),
    "begin_attempt": lambda task, now, pick: transitions.begin_attempt(
        task,
        now=now,
        to=TO_RELAY,
        prompt="Füchse",
        optimized=[None, True, False][pick % 3],
        thumbnail_key="t",
    ),
    "accept": lambda task, now, pick: transitions.accept(task, f"job:{pick}", now=now),
    "accepted late": lambda pick, **_: transitions.accepted_late(f"late:{pick}"),
    "retry_submit": lambda task, now, pick: attempts.retry_submit(
        task, now=now, again_at=now + pick, audio=pick == 1, unknown=pick == 2
    ),
    "repeat": lambda task, now, pick: attempts.reserving(
        attempts.retry_submit(task, now=now, again_at=now + pick, unknown=True),
        task,
        (100 * pick, None),
    ),
    "retry_image": lambda task, now, pick: attempts.retry_image(task, now=now, again_at=now + pick),
    "note done": lambda task, now, **_: transitions.note_done(task, now=now),
    "release": lambda task, now, pick: transitions.release(
        task, now=now, again_at=now + pick, result_url=[None, "https://a/ü"][pick % 2]
    ),
    "complete": lambda task, now, **_: endings.complete(
        task,
        {"video_url": "https://a/ü", "actual": {"fps": 24.5, "seconds": 7.6}},
        now=now,
        retention=DAY,
        charged=250,
    ),
    "fail": lambda task, now, **_: endings.fail(task, ERROR, now=now, retention=DAY),
    "abandon": lambda task, now, **_: endings.abandon(task, ERROR, now=now, retention=DAY),
    "cancel asked": lambda now, **_: transitions.cancel_asked(now=now),
    "job ended": lambda task, now, **_: endings.job_ended(task, now=now, charged=9),
    "cancel": lambda task, now, **_: endings.cancel(task, now=now, retention=DAY),
    "delete": lambda task, now, **_: endings.delete(task, now=now, retention=DAY),
    "begin try": lambda task, now, pick: changes.begin_try(task, f"lease {pick}", "{}", now=now),
    "try later": lambda task, now, pick: changes.try_later(
        task, "answered 500", [500, None][pick % 2], now=now, again_at=now + 600 * pick
    ),
    "put off": lambda task, now, **_: changes.put_off(task, now=now, again_at=now + 60),
    "told": lambda task, now, pick: changes.settle(
        task, ("delivered", "failed", "disabled")[pick % 3], "answered 204", 204, now=now
    ),
    "requeue": lambda task, now, **_: transitions.requeue(
        task if task.queued_at else replace(task, queued_at=timestamp(now)), now=now, grace=60
    ),
    "unsent": lambda task, now, **_: transitions.unsent(
        task if task.queued_at else replace(task, queued_at=timestamp(now)), now=now
    ),
}
# Leave a task open:
LIVELY = [
    "claim",
    "begin_attempt",
    "accept",
    "renew",
    "retry_submit",
    "retry_image",
    "release",
]
NAMES = st.sampled_from(LIVELY * 3 + sorted(CHANGES))


class TwoStores(RuleBasedStateMachine):
    """Does everything twice."""

    sights = Bundle("sights")

    def __init__(self, dynamodb):
        super().__init__()
        self.dynamodb = dynamodb
        self.fake = FakeStore(Simulation())
        self.now = START
        self.number = next(EXAMPLES)  # one table serves all examples
        self.owner = f"owner {self.number}"

    @initialize(target=sights)
    def two_tasks(self):
        return multiple(self._create(0), self._create(1))

    @rule(seconds=st.sampled_from([1, 20, 41]))
    def wait(self, seconds):
        self.now += seconds

    @rule(target=sights, seen=sights, name=NAMES, pick=st.integers(0, 9))
    def change(self, seen, name, pick):
        change = CHANGES[name](task=seen, now=self.now, pick=pick)
        try:
            after = self.fake.apply(seen.task_id, change)
        except ConditionFailed as full:
            with pytest.raises(ConditionFailed, match=full.name):
                self.dynamodb.apply(seen.task_id, change)
            after = None
        else:
            assert self.dynamodb.apply(seen.task_id, change) == after
        return multiple(*[after] if after else [])

    @rule(target=sights, seen=sights)
    def create_again(self, seen):
        again = self._new(int(seen.task_id[-1]))
        found = self.fake.create(again)
        assert self.dynamodb.create(again) == found
        return found or again

    @rule(seen=sights, deleted=st.booleans())
    def get(self, seen, deleted):
        found = self.fake.get(seen.task_id, deleted=deleted)
        assert self.dynamodb.get(seen.task_id, deleted=deleted) == found

    def teardown(self):
        for key, item in self.fake.ledger.items():
            found = self.dynamodb.read(key)
            del found["task_id"], found["expires_at"]
            assert found == item
        ours = {self._new(0).task_id, self._new(1).task_id}
        for paid in (True, False):
            due = set(self.dynamodb.overdue(self.now, paid=paid))
            assert ours & due == set(self.fake.overdue(self.now, paid=paid))
        due = {task_id for _, task_id in self.dynamodb.events_due(self.now)}
        assert ours & due == {task_id for _, task_id in self.fake.events_due(self.now)}
        for newest_first in (True, False):
            page = {"limit": 1, "newest_first": newest_first}
            assert self.dynamodb.page(self.owner, **page) == self.fake.page(self.owner, **page)

    def _new(self, number):
        return Task(
            task_id=f"vid_{self.number:024}a{number}",
            owner=self.owner,
            status=Status.PENDING,
            created_at=timestamp(START),
            updated_at=timestamp(START),
            queued_at=timestamp(START),
            due_at=timestamp(START + 120),
            lease_until=timestamp(START),
            request=GenerationRequest(model="veo_3_1", prompt="Füchse", metadata={"a": "b"}),
            cost_reserved=300 + number,
            webhook_url="https://a/ü" if number else None,
        )

    def _create(self, number):
        task = self._new(number)
        entries = ledger.reserved(task, task.cost_reserved, (1000, None))
        assert self.dynamodb.create(task, *entries) is self.fake.create(task, *entries) is None
        return task


@pytest.mark.slow
def test_both_stores_read_every_change_alike(services):
    run_state_machine_as_test(
        lambda: TwoStores(services.store),
        settings=settings(max_examples=30, stateful_step_count=25, deadline=None),
    )


def test_nothing_of_a_task_is_lost_in_dynamodb(services):
    sim = Simulation()
    task = sim.run()
    assert services.store.create(task) is None
    assert services.store.get(task.task_id) == task
