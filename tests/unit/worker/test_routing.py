"""Failover before acceptance: which refusals move a task on, and which routes rest."""

import httpx
import pytest

from tests.support.simulation import Simulation
from videoapi.domain.tasks import GenerationRequest
from videoapi.worker.outcomes import ACCOUNT_REFUSED

A, B, C = "relay:veo_3_1", "vertex:veo-3.1-generate-001", "gemini:gemini-omni-1.2-flash"
HD = GenerationRequest(model="veo_3_1", prompt="A fox", size="1280x720", seconds=4)
FULL = httpx.Response(503, json={"error": {"message": "no capacity"}})
NO_KEY = httpx.Response(401, json={"error": {"code": "invalid_api_key"}})
EMPTY = httpx.Response(403, json={"error": {"code": "insufficient_user_quota"}})
GONE = httpx.Response(404, json={"error": {"message": "no such model"}})
NOT_SERVED = httpx.Response(503, json={"error": {"code": "model_not_found"}})
REFUSALS = {
    "busy": FULL,
    "rate limit": httpx.Response(429, json={}),
    "unreachable": httpx.ConnectError("refused"),
    "no key": NO_KEY,
    "empty account": EMPTY,
    "model gone": GONE,
    "model not served": NOT_SERVED,
    "500": httpx.Response(500, json={}),
    "502": httpx.Response(502, json={}),
    "redirect": httpx.Response(302, headers={"location": "https://else.where"}),
}
RESTING = ("no key", "empty account", "model gone", "model not served", "redirect")


class Routed(Simulation):
    """A simulation whose tasks fit all providers."""

    def take(self, request=HD, **fields):
        """Submit a task, let everything come to its end, and return it."""
        task_id = self.submit(request=request, **fields)
        self.settle()
        return self.task(task_id)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_providers_own_refusal_leads_to_the_next_route_at_once(refusal):
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(refusal)
    task = sim.take()
    assert (task.status, task.attempts, task.provider) == ("completed", 2, "vertex")
    assert sim.orders() == {"relay": 1, "vertex": 1}
    assert [line.partition(" ")[2] for line in task.attempt_log] == [A, task_code(refusal), B]
    began, then = (line.partition(" ")[0] for line in (task.attempt_log[0], task.attempt_log[2]))
    assert began == then  # no time has passed


def task_code(refusal):
    if refusal is GONE:
        return "generation_failed"
    if refusal in (NO_KEY, EMPTY):
        return "upstream_account_error"
    return "upstream_account_error" if is_redirect(refusal) else "service_unavailable"


def is_redirect(refusal):
    return isinstance(refusal, httpx.Response) and refusal.status_code == 302


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(400, json={"error": {"code": "content_policy_violation"}}),
        httpx.Response(400, json={"error": {"message": "size"}}),
        httpx.Response(422, json={}),
    ],
)
def test_what_is_wrong_with_the_order_never_moves_on(refusal):
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(refusal)
    assert sim.take().status == "failed"
    assert sim.orders() == {"relay": 1}


@pytest.mark.parametrize("policy", ["fail", "retry"])
def test_lost_answer_never_moves_on(policy):
    sim = Routed(A, B, veo3_ambiguous_submit=policy)
    sim.relays["relay"].posts.append(httpx.ReadTimeout("lost"))
    task = sim.take()
    assert task.status == ("failed" if policy == "fail" else "completed")
    assert sim.orders() == {"relay": 1 if policy == "fail" else 2}


def test_log_of_a_refused_account_names_provider_and_route():
    sim = Routed(B, A, video_generation_max_retries=0)
    sim.relays["vertex"].posts.append(EMPTY)
    assert sim.take().error["code"] == "upstream_account_error"
    [logged] = [fields for _, text, fields in sim.log.lines if text == ACCOUNT_REFUSED]
    assert (logged["provider"], logged["route"]) == ("vertex", B)


def test_log_of_another_attempt_names_provider_and_route():
    sim = Routed(B)
    sim.relays["vertex"].posts.append(FULL)
    sim.take()
    [logged] = [fields for _, text, fields in sim.log.lines if text == "another attempt follows"]
    assert (logged["provider"], logged["route"]) == ("vertex", B)


@pytest.mark.parametrize("route", [B, C])
def test_order_lost_at_google_is_never_repeated(route):
    """Google has no idempotency key, so VEO3_AMBIGUOUS_SUBMIT=retry is the relay's alone."""
    sim = Routed(A, route, veo3_ambiguous_submit="retry")
    name = route.partition(":")[0]
    sim.relays["relay"].posts.append(FULL)
    sim.relays[name].posts.append(httpx.ReadTimeout("lost"))
    error = sim.take().error
    assert (error["code"], error["maybe_charged"]) == ("upstream_submit_unknown", True)
    assert sim.orders() == {"relay": 1, name: 1}


def test_accepted_job_that_failed_stays_on_its_route():
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(FULL)
    sim.relays["vertex"].endings.append({"status": "failed", "error": {"code": "HIGH_TRAFFIC"}})
    task = sim.take()
    assert task.status == "completed"
    assert sim.orders() == {"relay": 1, "vertex": 2}


def test_first_route_follows_the_last_with_the_back_off():
    sim = Routed(A, B)
    for name in ("relay", "vertex"):
        sim.relays[name].posts.append(FULL)
    began = sim.clock()
    task = sim.take()
    assert (task.status, task.attempts, task.provider) == ("completed", 3, "relay")
    assert sim.orders() == {"relay": 2, "vertex": 1}
    assert sim.clock() - began >= sim.settings.video_generation_retry_delay


def test_attempts_are_counted_over_all_routes():
    sim = Routed(A, B, video_generation_max_retries=2)
    for name in ("relay", "vertex"):
        sim.relays[name].posts.extend([FULL] * 9)
    task = sim.take()
    assert (task.error["code"], task.attempts) == ("service_unavailable", 3)
    assert sim.orders() == {"relay": 2, "vertex": 1}


def test_without_retries_nothing_moves_on():
    sim = Routed(A, B, video_generation_max_retries=0)
    sim.relays["relay"].posts.append(FULL)
    assert sim.take().status == "failed"
    assert sim.orders() == {"relay": 1}


@pytest.mark.parametrize("refusal", [REFUSALS[name] for name in RESTING], ids=RESTING)
def test_refused_route_rests_for_a_minute_for_all(refusal):
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(refusal)
    sim.take()
    assert [name for name, _, _ in sim.measured].count("RoutesRefused") == 1
    assert any(level == "error" and "rests" in text for level, text, _ in sim.log.lines)
    sim.take()
    assert sim.orders() == {"relay": 1, "vertex": 2}
    sim.idle(61)
    sim.take()
    sim.take()
    assert sim.orders() == {"relay": 3, "vertex": 2}
    assert sim.rests.until == {}


def test_busy_route_does_not_rest():
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(FULL)
    sim.take()
    sim.take()
    assert sim.orders() == {"relay": 2, "vertex": 1}


def test_rested_route_is_looked_at_by_one_worker():
    sim = Routed(A, B)
    sim.rests.until[A] = int(sim.clock()) - 1
    task = sim.task(sim.submit(request=HD))
    assert str(sim.routing.choose(task)[0]) == A
    assert str(sim.routing.choose(task)[0]) == B


def test_route_that_refuses_the_look_rests_again():
    sim = Routed(A, B)
    sim.rests.until[A] = int(sim.clock()) - 1
    sim.relays["relay"].posts.append(NO_KEY)
    sim.take()
    sim.take()
    assert sim.orders() == {"relay": 1, "vertex": 2}


def test_task_that_all_routes_refuse_ends_as_the_last_says():
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(NO_KEY)
    sim.relays["vertex"].posts.append(EMPTY)
    task = sim.take()
    assert (task.error["code"], task.attempts) == ("upstream_account_error", 2)
    assert task.error["maybe_charged"] is False


def test_resting_routes_are_asked_where_there_is_no_other():
    sim = Routed(A, B)
    sim.rests.until = {A: int(sim.clock()) + 60, B: int(sim.clock()) + 60}
    assert sim.take().status == "completed"
    assert sim.orders() == {"relay": 1}


def test_resting_route_leads_back_to_the_other():
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(FULL)
    sim.relays["vertex"].posts.append(NO_KEY)
    task = sim.take()
    assert (task.status, task.provider, task.attempts) == ("completed", "relay", 3)


def test_only_route_is_asked_again_after_its_refusal():
    sim = Routed(A)
    sim.relays["relay"].posts.append(NO_KEY)
    assert sim.take().error["code"] == "upstream_account_error"
    assert sim.take().status == "completed"


def test_without_routes_nothing_rests():
    sim = Simulation()
    sim.relay.posts.append(NO_KEY)
    sim.submit()
    sim.settle()
    assert sim.rests.until == {}


def test_route_that_cannot_make_it_is_no_route():
    sim = Routed(A, B)
    sim.relays["vertex"].posts.append(FULL)
    task = sim.take(GenerationRequest(model="veo_3_1", prompt="A fox", size="1280x720", seed=0))
    assert (task.status, task.provider) == ("completed", "vertex")
    assert sim.orders() == {"vertex": 2}


def test_task_that_no_route_can_make_any_more_ends():
    sim = Routed(A)
    task = sim.take(GenerationRequest(model="veo_3_1", prompt="A fox", seed=7))
    assert (task.error["code"], task.attempts) == ("unsupported_value", 0)


def test_order_says_the_providers_own_model_and_length():
    sim = Routed(B)
    sim.take(GenerationRequest(model="veo_3_1", prompt="A fox", size="1280x720", seconds=5))
    [job] = sim.relays["vertex"].jobs
    assert (job.order["model"], job.order["seconds"]) == ("veo-3.1-generate-001", "6")


def test_running_job_is_asked_of_whom_it_was_paid_to():
    sim = Routed(B, A)
    task = sim.take()
    place = ("vertex", "https://vertex.example.com/v1/videos")
    assert (task.provider, task.upstream_url) == place
    assert sim.asked_for[0] == ("vertex", None)
    assert set(sim.asked_for[1:]) == {place}


@pytest.mark.parametrize("ending", ["answer lost", "job failed"])
def test_attempt_after_a_paid_one_stays_on_a_resting_route(ending):
    """The relay may know the idempotency key; another provider would be paid once more."""
    sim = Routed(A, B, veo3_ambiguous_submit="retry")
    if ending == "answer lost":
        sim.relays["relay"].posts.append(httpx.ReadTimeout("lost"))
    else:
        sim.relays["relay"].endings.append({"status": "failed", "error": {"code": "HIGH_TRAFFIC"}})
    task_id = sim.submit(request=HD)
    sim.work()
    sim.rests.until[A] = int(sim.clock()) + 60  # another task's order was refused there
    sim.settle()
    assert (sim.task(task_id).status, sim.orders()) == ("completed", {"relay": 2})


@pytest.mark.parametrize("stolen", [True, False], ids=["by another worker", "by an outage"])
def test_look_that_is_lost_leads_back_with_the_back_off(stolen):
    sim = Routed(A, B)
    sim.rests.until[B] = int(sim.clock()) - 1
    refusal = httpx.Response(429, headers={"retry-after": "60"}, json={})
    sim.relays["relay"].posts.extend([refusal] * 4)
    if stolen:
        sim.rests.probe = lambda *_seen, **_now: False
    else:
        sim.rests.away.add("probe")
    sim.submit(request=HD)
    sim.work()
    assert sim.orders() == {"relay": 1}


def test_refusal_outlives_an_outage_to_the_end_of_the_invocation():
    """What was certainly refused is never told as unknown."""
    for routes in ((A, B), (A,)):
        sim = Routed(*routes)

        def busy(_request, sim=sim):
            sim.store.away_until = sim.clock() + 865
            return FULL

        sim.relays["relay"].posts.append(busy)
        assert sim.take().status == "completed"


def test_task_whose_model_left_the_routes_is_not_ordered():
    sim = Routed(B)
    task = sim.take(GenerationRequest(model="veo_3_0", prompt="A fox", size="1280x720"))
    assert (task.error["code"], task.attempts, sim.orders()) == ("unsupported_value", 0, {})


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(404, json={"error": {"code": "content_policy_violation"}}),
        httpx.Response(
            400, json={"error": {"code": "PROHIBITED_CONTENT", "type": "model_not_found"}}
        ),
    ],
)
def test_policy_never_moves_on_whatever_else_is_said(refusal):
    sim = Routed(A, B)
    sim.relays["relay"].posts.append(refusal)
    assert sim.take().error["code"] == "content_policy_violation"
    assert (sim.orders(), sim.rests.until) == ({"relay": 1}, {})


@pytest.mark.parametrize("method", ["read", "rest", "probe", "wake"])
def test_rests_that_cannot_be_had_stop_nothing(method):
    sim = Routed(A, B)
    sim.rests.away = {method}
    if method in ("probe", "wake"):
        sim.rests.until[A] = int(sim.clock()) - 1
    else:
        sim.relays["relay"].posts.append(NO_KEY)
    assert sim.take().status == "completed"
    reasons = [more["reason"] for _, text, more in sim.log.lines if "written down" in text]
    assert reasons == ["DynamoDB: AccessDeniedException"] * (method in ("rest", "wake"))


def test_jobs_of_a_provider_that_is_away_keep_no_slot():
    """What waits goes to the next route meanwhile; a job that is paid ends when it is back."""
    sim = Routed(A, B)
    relay = sim.relays["relay"]
    first = sim.submit(request=HD)
    away = httpx.ConnectError("refused")
    relay.looks.extend([away] * 40)
    second = sim.submit(request=HD)
    began = sim.clock()
    sim.work()
    assert 25 < sim.clock() - began < 60
    relay.posts.extend([away] * 3)
    sim.settle()
    tasks = sim.task(first), sim.task(second)
    assert [(task.status, task.provider) for task in tasks] == [
        ("completed", "relay"),
        ("completed", "vertex"),
    ]
    assert [len(sim.paid(task_id)) for task_id in (first, second)] == [1, 1]


def test_job_of_the_only_provider_keeps_its_slot():
    """The tasks that wait would only use up their attempts."""
    sim = Simulation()
    sim.relay.looks.extend([httpx.ConnectError("refused")] * 20)
    task_id = sim.submit()
    sim.work()
    assert sim.task(task_id).status == "completed"
