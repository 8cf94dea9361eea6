import time

import httpx
import pytest

from tests.support import web


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 408, 413, 422, 429, 500, 502, 503, 504, 520]
)
def test_a_status_is_answered_without_a_job(caller, status):
    response = caller.post(f"[[submit:{status}]] [[key:status-{status}]]")
    assert response.status_code == status
    assert response.json()["error"]["code"]
    assert "retry-after" not in response.headers
    assert caller.task(f"status-{status}") == {"posts": 1, "accepted": 0}


def test_a_limit_says_when_to_come_back(caller):
    assert caller.post("[[submit:429=7]]").headers["retry-after"] == "7"


def test_first_posts_are_refused_and_then_one_is_accepted(caller):
    prompt = "[[submit:429*2]] [[key:third]]"
    assert [caller.post(prompt).status_code for _ in range(3)] == [429, 429, 200]
    assert caller.task("third") == {"posts": 3, "accepted": 1}


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("insufficient_user_quota", 403, "insufficient_user_quota"),
        ("invalid_api_key", 401, "invalid_api_key"),
        ("PUBLIC_ERROR_MINOR_UPLOAD", 400, "PUBLIC_ERROR_MINOR_UPLOAD"),
        ("saturated", 429, None),
        ("saturated=500", 500, None),
    ],
)
def test_a_coded_error_has_its_status(caller, name, status, code):
    response = caller.post(f"[[submit:{name}]]")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(("token", "status"), [("redirect", 307), ("redirect=301", 301)])
def test_an_order_may_be_redirected(caller, token, status):
    response = caller.post(f"[[submit:{token}]] [[key:moved]]")
    assert response.status_code == status
    assert response.headers["location"].endswith("/v1/videos")
    assert caller.task("moved")["accepted"] == 0


@pytest.mark.parametrize("name", ["taskId", "video_id", "request_id"])
def test_the_id_may_have_another_name(caller, name):
    body = caller.post(f"[[submit:{name}]] [[time:0]] [[render:tiny]]").json()
    assert "id" not in body
    assert caller.poll(body[name]).status_code == 200


def test_an_error_may_be_a_page(caller):
    for tokens, status in (("html", 502), ("html=520", 520), ("html=200", 200)):
        response = caller.post(f"[[submit:{tokens}]]")
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/html")
        assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("created", "accepted"), [("", 0), ("+created", 1)])
@pytest.mark.parametrize("fault", ["drop", "hang=0.01"])
def test_an_answer_may_be_lost_with_or_without_a_job(caller, fault, created, accepted):
    key = f"lost-{fault[:4]}{accepted}"
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        caller.post(f"[[submit:{fault}{created}]] [[key:{key}]]")
    assert caller.task(key) == {"posts": 1, "accepted": accepted}


def test_a_gateway_may_time_out_on_a_job_that_exists(caller):
    assert caller.post("[[submit:504+created]] [[key:late]]").status_code == 504
    assert caller.task("late") == {"posts": 1, "accepted": 1}


def test_a_proxy_may_lose_the_answer_to_a_job_that_exists(caller):
    response = caller.post("[[submit:lost_answer+created*1]] [[key:proxied]]")
    assert response.status_code == 502
    assert "connection termination" in response.json()["error"]["message"]
    assert caller.task("proxied") == {"posts": 1, "accepted": 1}


def test_a_hanging_answer_outlasts_the_caller(caller):
    with pytest.raises(httpx.ReadTimeout):
        web.post(
            f"{caller.upstream.api}/v1/videos",
            files={"model": (None, "m"), "prompt": (None, "[[submit:hang]] [[key:silent]]")},
            headers={"authorization": "Bearer any"},
            timeout=0.3,
        )
    assert caller.task("silent") == {"posts": 1, "accepted": 0}


def test_a_slow_answer_is_the_right_one(caller):
    begun = time.monotonic()
    assert caller.post("[[submit:slow=0.1]]").status_code == 200
    assert time.monotonic() - begun >= 0.1


def test_an_acceptance_takes_many_forms(caller):
    assert "id" not in caller.post("[[submit:no_id]]").json()
    renamed = caller.post("[[submit:task_id]]").json()
    assert "id" not in renamed
    assert caller.poll(renamed["task_id"]).status_code == 200
    job = caller.accepted("[[submit:colon]]")
    assert ":" in job
    assert caller.poll(job).json()["id"] == job
    assert caller.poll(job.replace(":", "%3A")).json()["id"] == job
    assert caller.post("[[submit:202]]").status_code == 202
    assert caller.post("[[status:SUBMITTED]]").json()["status"] == "SUBMITTED"
