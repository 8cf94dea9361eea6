"""Every end is told at least once, under one id, whatever answers are lost and whoever dies.

Each call to the table and to the queues, of those who end a task and of those who tell of it, has a
fate: it is made, or not, and its answer arrives, or not; it is made twice, as botocore does without
saying so; or the process dies before or after it.
"""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fakes import Crash, FakeFiles, FakeQueue, FakeStore
from tests.support.receiver import OK, refused
from tests.support.simulation import OWNER, Simulation
from videoapi.domain.tasks import OPEN
from videoapi.domain.timestamps import timestamp
from videoapi.errors import Conflict, NotFound, ServiceError
from videoapi.net.callbacks import Answer
from videoapi.webhooks.schedule import MAX_TRIES

URL = "https://hooks.example.com/videos"
NO_ANSWER = Answer(None, "no answer within 10 seconds", 10_000)
CALLS = {"get", "send", "sent", "waiting", "events due", "begin try", "try later", "deleted"}
ENDS = {"completed", "failed", "cancelled"}
OF_THE_RECEIVER = {"told", "answered by the receiver"}  # of which only a death is a mishap
FATES = st.lists(st.sampled_from(["fine", "fine", "away", "dies", "twice"]), max_size=40)
ANSWERS = st.lists(st.sampled_from([OK, refused(500), refused(410), NO_ANSWER]), max_size=9)


class Repeating(FakeStore):
    """A table whose client repeats a write whose answer was lost: it then reads "no"."""

    def apply(self, task_id, change):
        made = super().apply(task_id, change)
        return super().apply(task_id, change) if self._sim.repeats() else made


class Unlucky(Simulation):
    """A deployment with fates, which begin once the task is there."""

    def __init__(self):
        self.fates = []
        super().__init__()

    def adapters(self):
        return Repeating(self), FakeQueue(self), FakeFiles(self)

    def repeats(self):
        if self.fates and self.fates[0] == "twice":
            self.fates.pop(0)
            return True
        return False

    def at(self, event):
        super().at(event)
        name = event.removesuffix(" written")
        if not self.fates or name not in CALLS | ENDS | OF_THE_RECEIVER:
            return
        match self.fates.pop(0):
            case "dies":
                raise Crash
            case "away" if name not in OF_THE_RECEIVER:
                raise ServiceError("It does not answer just now.")

    def tick(self):
        with suppress(Crash):
            super().tick()


def persist(act):
    """Do as a client does that repeats what it got no answer to."""
    for _ in range(50):
        with suppress(ServiceError, Crash):
            try:
                return act()
            except (Conflict, NotFound):
                return None
    raise AssertionError


def complete(sim, _task_id):
    sim.settle()


def give_up(sim, task_id):
    sim.store.rows[task_id] |= {"claims": 9, "lease_until": timestamp(0)}
    persist(lambda: sim.recovery.resolve_dead_letter(task_id))


def cancel(sim, task_id):
    persist(lambda: sim.cancellation.cancel(task_id, OWNER))


def delete(sim, task_id):
    persist(lambda: sim.cancellation.delete(task_id, OWNER))


def complete_and_delete(sim, task_id):
    complete(sim, task_id)
    delete(sim, task_id)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([complete, give_up, cancel, delete, complete_and_delete]), FATES, FATES, ANSWERS
)
def test_every_end_is_told_at_least_once_under_one_id(end, ending, telling, answers):
    sim = Unlucky()
    sim.receiver.answers.extend(answers)
    task_id = sim.submit(webhook_url=URL)
    sim.fates = list(ending)
    end(sim, task_id)
    sim.fates = list(telling)
    sim.deliver_all()
    row = sim.store.rows[task_id]
    assert row["status"] not in OPEN
    assert not row.keys() & {"open", "due_at", "kept_until", "webhook_body", "webhook_lease"}
    assert row["expires_at"] > sim.clock() - 1
    ids = sim.receiver.ids_by_task()
    assert ids.keys() == {task_id}, "at least once"
    assert ids[task_id].keys() == {f"evt_{task_id[4:]}"}, "under one id"
    assert len({body for _, body, _ in sim.receiver.posts}) == 1, "with one body"
    given_answers = [*answers, *[OK] * 100][: len(sim.receiver.posts)]
    if row["webhook_state"] == "delivered":
        assert OK in given_answers
    else:
        tries = len(row["webhook_log"])
        assert tries == MAX_TRIES or refused(410) in given_answers
