"""Many callers at once while workers die: no submit fails, and no accepted task is lost."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.chaos import chaos
from tests.faults.site import task_id


@pytest.fixture(scope="module")
def rush(running, long, say):
    """Submit as many callers do, with workers dying all the time; return names and answers."""
    count, callers, kills = (2000, 50, 100) if long else (120, 12, 6)
    running.limit(16)
    running.configure(LEASE_SECONDS="5", VEO3_SKIP_UPLOAD="true", VEO3_AMBIGUOUS_SUBMIT="fail")
    names = [f"rush-{number}" for number in range(count)]
    with chaos(running, every=1, at_most=kills) as struck:
        began = time.monotonic()
        with ThreadPoolExecutor(callers) as threads:
            tokens = "[[time:0]] [[render:tiny]]"
            answers = list(threads.map(lambda name: running.post(name, tokens, image=False), names))
        say(f"{count} submits by {callers} callers in {time.monotonic() - began:.0f} s")
        ended = [running.ended(name, seconds=600) for name in names]
    say(f"all have ended after {time.monotonic() - began:.0f} s, {len(struck)} workers were killed")
    return names, answers, ended, struck


def test_a_rush_is_accepted_without_an_error_of_ours(rush):
    _, answers, _, _ = rush
    assert Counter(answer.status_code for answer in answers) == {httpx.codes.OK: len(answers)}


def test_every_accepted_task_of_a_rush_ends_and_is_paid_at_most_once(rush, running):
    names, _, ended, struck = rush
    relay = running.relay()["tasks"]
    paid = Counter(relay.get(name, {}).get("accepted", 0) for name in names)
    completed = sum(task["status"] == "completed" for task in ended)
    unknown = [name for name, task in zip(names, ended, strict=True) if task["error"]]
    assert set(paid) <= {0, 1}
    assert completed + len(unknown) == len(names)
    assert {task_id(name) for name in unknown} <= set(struck)
    assert paid[1] >= completed
