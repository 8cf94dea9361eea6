"""However many tasks wait and workers die, the relay sees no more jobs at once than allowed."""

import pytest

from tests.fault_injection.chaos import chaos
from tests.fault_injection.stack import task_id

IDLE = 0.05  # the share of a slot's time without a job, at generations of 30 s


@pytest.fixture(scope="module")
def crowd(running, long, say):
    """Queue many tasks for a few slots and kill some workers meanwhile."""
    cap, count, seconds, kills = (20, 100, 30, 6) if long else (4, 16, 2, 3)
    running.limit(cap)
    running.configure(LEASE_SECONDS="5", VEO3_SKIP_UPLOAD="true", VEO3_AMBIGUOUS_SUBMIT="fail")
    names = [f"crowd-{number}" for number in range(count)]
    with running.paused():
        for name in names:
            running.submit(name, f"[[time:{seconds}]]", image=False)
    say(f"{count} tasks of {seconds} s wait for {cap} slots")
    with chaos(running, every=seconds / 2, at_most=kills) as struck:
        ended = [running.ended(name, seconds=120 + count * seconds / cap) for name in names]
    say(f"they have ended, and {len(struck)} workers before that")
    return Crowd(running, cap, names, ended, struck)


class Crowd:
    """What happened, as the relay and the workers saw it."""

    def __init__(self, fault_stack, cap, names, ended, struck):
        self.cap, self.names, self.ended, self.struck = cap, names, ended, struck
        ids = {task_id(name) for name in names}
        self.holds = [hold for hold in fault_stack.journal.holds() if hold.task in ids]
        self.jobs = [job for job in fault_stack.relay()["jobs"] if job["key"] in names]
        self.buried = [e for e in fault_stack.journal.entries("dead-letter") if e.task in ids]

    def attended(self):
        """Return the spans in which a job ran upstream and a worker waited for it."""
        for job in self.jobs:
            for hold in self.holds:
                begin, end = max(job["created_at"], hold.began), min(job["ended_at"], hold.ended)
                if task_id(job["key"]) == hold.task and begin < end:
                    yield begin, end


def most_at_once(spans):
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    live = most = 0
    for _, change in changes:
        live += change
        most = max(most, live)
    return most


def test_every_task_of_a_crowd_ends_and_is_paid_at_most_once(crowd):
    assert crowd.struck
    assert {task["status"] for task in crowd.ended} <= {"completed", "failed"}
    failed = [task for task in crowd.ended if task["status"] == "failed"]
    assert {task["error"]["code"] for task in failed} <= {"upstream_submit_unknown"}
    assert len(failed) <= len(crowd.struck)
    assert len({job["key"] for job in crowd.jobs}) == len(crowd.jobs)


def test_no_more_workers_run_than_allowed(crowd):
    assert most_at_once([(hold.began, hold.ended) for hold in crowd.holds]) == crowd.cap
    assert most_at_once(list(crowd.attended())) <= crowd.cap


def test_relay_sees_no_more_jobs_than_allowed(crowd):
    """The relay sees no more jobs than allowed but for those of dead workers."""
    orphans = set(crowd.struck)
    others = [job for job in crowd.jobs if task_id(job["key"]) not in orphans]
    assert most_at_once([(job["created_at"], job["ended_at"]) for job in others]) <= crowd.cap


def test_no_message_becomes_a_dead_letter_for_having_waited(crowd):
    assert crowd.buried == []


@pytest.mark.long
def test_slots_are_hardly_idle_while_work_waits(crowd, say):
    spans = list(crowd.attended())
    firsts = {hold.task: hold.began for hold in reversed(crowd.holds)}
    full = sorted(begin for begin, _ in spans)[crowd.cap - 1]
    empty = max(firsts.values())
    busy = sum(max(min(end, empty) - max(begin, full), 0) for begin, end in spans)
    idle = 1 - busy / (crowd.cap * (empty - full))
    say(f"slots were idle for {idle:.1%} of the time")
    assert idle < IDLE
