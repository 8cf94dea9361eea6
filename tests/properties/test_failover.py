"""Five hundred failovers, with a worker that dies somewhere in each of them."""

from contextlib import suppress
from random import Random

import httpx

from tests.support.fakes import Crash
from tests.support.simulation import Simulation
from videoapi.domain.tasks import OPEN, GenerationRequest

FAILOVERS = 500
ROUTES = ("relay:veo_3_1", "vertex:veo-3.1-generate-001", "gemini:gemini-omni-1.2-flash")
REQUEST = GenerationRequest(model="veo_3_1", prompt="A fox", size="1280x720", seconds=4)
REFUSALS = (
    httpx.Response(503, json={}),
    httpx.Response(429, headers={"retry-after": "20"}, json={}),
    httpx.Response(401, json={"error": {"code": "invalid_api_key"}}),
    httpx.Response(404, json={"error": {"code": "model_not_found"}}),
    httpx.ConnectError("refused"),
)
MAX_EVENTS = 60  # more than a task has from its claim to its end


def die():
    raise Crash


def settle(sim):
    """Let the task come to its end; a sweeper that dies is started again."""
    while True:
        with suppress(Crash):
            sim.settle()
            return


def test_no_failover_pays_twice_whoever_dies():
    """A task ends with one payment, or as unknown with at most one; none is left open."""
    chance, failovers, unknown = Random(13), 0, 0  # noqa: S311 — the same run each time
    while failovers < FAILOVERS:
        sim = Simulation(*ROUTES)
        for name in chance.sample(list(sim.relays), chance.choice((1, 2))):
            sim.relays[name].posts.append(chance.choice(REFUSALS))
        task_id = sim.submit(request=REQUEST)
        for _ in range(chance.choice((1, 2))):
            sim.at_event[chance.randrange(len(sim.events), MAX_EVENTS)] = die
        settle(sim)
        task = sim.task(task_id)
        assert task.status not in OPEN
        paid = len(sim.paid(task_id))
        if task.status == "completed":
            assert paid == 1
        else:
            assert task.error["code"] in {"upstream_submit_unknown", "upstream_account_error"}
            assert paid <= (task.error["code"] == "upstream_submit_unknown")
        unknown += task.status != "completed"
        failovers += sum(" relay:" not in line for line in task.attempt_log[::2])
    assert unknown < FAILOVERS / 2
