import json

import httpx
import pytest

DONE = "[[time:0]] [[render:tiny]]"


def at(body, path):
    for name in path.split("."):
        body = body[name.removesuffix("[0]")]
        body = body[0] if name.endswith("[0]") else body
    return body


@pytest.mark.parametrize(
    ("tokens", "word"),
    [
        ("[[status:NOT_START]] [[time:60]]", "NOT_START"),
        ("[[status:Unknown]] [[time:60]]", "Unknown"),
        ("[[status:SUCCEEDED]] [[time:0]]", "SUCCEEDED"),
        ("[[status:Expired]] [[time:0]]", "Expired"),
        ("[[status:Published]] [[time:0]]", "Published"),
        ("[[status:prompt_blocked]] [[time:0]]", "prompt_blocked"),
    ],
)
def test_a_status_word_is_told_as_asked(caller, tokens, word):
    assert caller.poll(caller.accepted(f"{tokens} [[render:tiny]]")).json()["status"] == word


def test_a_running_word_is_told_while_it_runs(caller):
    job = caller.accepted("[[status:GENERATING]] [[time:60]] [[render:tiny]]")
    assert caller.poll(job).json()["status"] == "queued"
    job = caller.accepted("[[status:GENERATING]] [[time:0.2]] [[render:tiny]]")
    words = set()
    while "completed" not in words:
        words.add(caller.poll(job).json()["status"])
    assert words - {"queued"} == {"GENERATING", "completed"}


@pytest.mark.parametrize("name", ["status", "state", "task_status"])
def test_the_status_word_has_the_name_that_was_asked_for(caller, name):
    assert caller.ended(f"[[word:{name}]]")[name] == "completed"


def test_an_answer_may_be_written_twice(caller):
    text = caller.poll(caller.accepted(f"[[poll:twice]] {DONE}")).text
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    assert json.loads(text[: len(text) // 2])["status"] == "completed"


def test_a_link_may_lead_inwards_or_quote_the_key(caller):
    assert caller.ended("[[link:inward]]")["video_url"].startswith("http://169.254.169.254/")
    assert "?api_key=" in caller.ended("[[link:key]]")["video_url"]


def test_progress_takes_many_forms(caller):
    assert caller.ended("[[progress:percent]]")["progress"] == "100%"
    assert "progress" not in caller.ended("[[progress:none]]")
    assert caller.ended("[[progress:null]]")["progress"] is None
    job = caller.accepted("[[progress:stuck]]")
    assert [caller.poll(job).json()["progress"] for _ in range(2)] == [1, 1]


def test_progress_may_go_back(caller):
    job = caller.accepted(f"[[progress:back]] {DONE}")
    assert [caller.poll(job).json()["progress"] for _ in range(3)] == [100, 70, 100]


def test_an_envelope_holds_the_task_in_capitals(caller):
    body = caller.ended("[[wrap:envelope]]")
    assert body["code"] == "success"
    assert body["data"]["status"] == "SUCCESS"
    assert body["data"]["progress"] == "100%"
    assert body["data"]["task_id"]
    assert body["data"]["video_url"].endswith(".mp4")


@pytest.mark.parametrize("prefix", ["", "data."])
@pytest.mark.parametrize(
    "place",
    [
        "video_url",
        "url",
        "content_url",
        "metadata.url",
        "result_url",
        "output[0].url",
        "detail.video_url",
        "videos[0].url",
        "video_urls[0]",
        "fail_reason",
    ],
)
def test_the_url_is_put_where_it_was_asked_and_nowhere_else(caller, prefix, place):
    body = caller.ended(f"[[url:{prefix}{place}]]")
    url = at(body, prefix + place)
    assert caller.anonymous.get(url).status_code == 200
    assert json.dumps(body).count(url) == 1


def test_a_data_url_holds_the_video(caller):
    url = caller.ended("[[link:inline]]")["video_url"]
    response = caller.anonymous.get(caller.ended("")["video_url"])
    assert url.startswith("data:video/mp4;base64,")
    assert len(url) < 2 * len(response.content)
    assert 20e6 < len(caller.ended("[[link:inline=20]]")["video_url"]) < 27e6


def test_a_url_may_be_on_the_same_origin_or_redirect(caller):
    same = caller.ended("[[link:same]]")["video_url"]
    assert same.startswith(caller.upstream.api)
    assert caller.anonymous.get(same).content[4:8] == b"ftyp"
    redirecting = caller.anonymous.get(caller.ended("[[link:redirect]]")["video_url"])
    assert redirecting.status_code == 302
    assert caller.anonymous.get(redirecting.headers["location"]).content[4:8] == b"ftyp"


def test_the_url_uses_the_name_that_the_caller_used(caller):
    job = caller.accepted(DONE)
    port = httpx.URL(caller.upstream.api).port
    poll = caller.http.get(f"http://localhost:{port}/v1/videos/{job}").json()
    assert poll["video_url"].startswith("http://localhost:")


def test_polls_fail_and_recover(caller):
    job = caller.accepted(f"[[poll:404*1@1]] [[poll:task_not_exist*2@3]] {DONE}")
    answers = [caller.poll(job) for _ in range(6)]
    assert [response.status_code for response in answers] == [200, 404, 200, 400, 400, 200]
    assert answers[3].json()["error"]["code"] == "task_not_exist"


def test_a_lost_job_stays_lost(caller):
    job = caller.accepted(f"[[poll:404]] {DONE}")
    assert [caller.poll(job).status_code for _ in range(4)] == [404] * 4


def test_the_shape_of_errors_holds_for_http_errors_too(caller):
    job = caller.accepted("[[poll:500*1]] [[poll:HIGH_TRAFFIC*1@1]] [[error:flat]]")
    assert [caller.poll(job).json()["code"] for _ in range(2)] == [
        "internal_server_error",
        "HIGH_TRAFFIC",
    ]


def test_a_poll_may_be_cut_off_or_a_page(caller):
    job = caller.accepted(f"[[poll:drop*1]] [[poll:hang=0.01*1@1]] [[poll:html*1@2]] {DONE}")
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            caller.poll(job)
    assert caller.poll(job).headers["content-type"].startswith("text/html")
    assert caller.poll(job).json()["status"] == "completed"
