"""Jobs that end without a video, or that keep it behind `/content`."""

import json

import pytest

DONE = "[[time:0]] [[render:tiny]]"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (
            "nested",
            {"error": {"code": "HIGH_TRAFFIC", "message": "BUSY", "type": "relay_error"}},
        ),
        ("flat", {"code": "HIGH_TRAFFIC", "message": "BUSY"}),
        ("string", {"error": "HIGH_TRAFFIC: BUSY"}),
        ("null", {"error": {"code": None, "message": "HIGH_TRAFFIC: BUSY"}}),
        ("int", {"error": {"code": 503, "message": "HIGH_TRAFFIC: BUSY"}}),
        ("reason", {"fail_reason": "HIGH_TRAFFIC: BUSY"}),
    ],
)
def test_a_failure_takes_many_shapes(caller, shape, body):
    poll = caller.ended(f"[[fail:HIGH_TRAFFIC]] [[error:{shape}]]")
    text = json.dumps(poll).replace("The model is overloaded, please try again later.", "BUSY")
    shown = json.loads(text)
    assert shown.pop("status") == "failed"
    assert "video_url" not in shown
    assert body.items() <= shown.items()


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED",) * 2 + ("safety",),
        ("audio filtered", "audio filtered", "audio"),
        ("never_heard_of", "never_heard_of", "no list"),
        ("500", 500, "Internal Server Error"),
        ("saturated", None, "负载已饱和"),
        ("unfit", None, "内容不合规"),
        ("support_codes", None, "Support codes"),
        ("violates", None, "violat"),
    ],
)
def test_a_failure_says_its_code_or_its_text(caller, name, code, text):
    error = caller.ended(f"[[fail:{name}]]")["error"]
    assert error["code"] == code
    assert text in error["message"]


def test_a_bad_word_alone_gives_no_reason(caller):
    assert caller.ended("[[status:failure]]")["error"] is None


def test_the_first_jobs_of_a_task_fail_and_the_next_one_does_not(caller):
    prompt = f"[[fail:AUDIO_FILTERED*2]] [[key:audio]] {DONE}"
    words = [caller.poll(caller.accepted(prompt)).json()["status"] for _ in range(3)]
    assert words == ["failed", "failed", "completed"]
    assert caller.task("audio") == {"posts": 3, "accepted": 3}


def test_a_refused_post_does_not_use_up_a_failing_job(caller):
    prompt = f"[[submit:503*1]] [[fail:INTERNAL*1]] [[key:both]] {DONE}"
    assert caller.post(prompt).status_code == 503
    words = [caller.poll(caller.accepted(prompt)).json()["status"] for _ in range(2)]
    assert words == ["failed", "completed"]


def test_the_content_is_the_video(caller):
    response = caller.content(caller.accepted(DONE))
    assert response.headers["content-type"] == "video/mp4"
    assert response.content[4:8] == b"ftyp"


def test_without_a_url_the_content_leads_to_the_video(caller):
    job = caller.accepted(f"[[content:redirect]] {DONE}")
    assert caller.poll(job).json()["video_url"] is None
    response = caller.content(job)
    assert response.status_code == 302
    assert caller.anonymous.get(response.headers["location"]).content[4:8] == b"ftyp"
    job = caller.accepted(f"[[content:json]] {DONE}")
    assert caller.anonymous.get(caller.content(job).json()["url"]).content[4:8] == b"ftyp"
    assert caller.ended("[[content:bytes]]")["video_url"] is None
    assert caller.ended("[[link:none]]")["video_url"] is None


def test_a_content_token_and_a_link_token_are_both_obeyed(caller):
    job = caller.accepted(f"[[content:400]] [[url:url]] {DONE}")
    assert caller.poll(job).json()["url"]
    assert caller.content(job).status_code == 400


def test_a_swallowed_video_never_comes_or_late(caller):
    job = caller.accepted(f"[[content:400]] {DONE}")
    assert caller.poll(job).json()["status"] == "completed"
    assert [caller.content(job).status_code for _ in range(4)] == [400] * 4
    job = caller.accepted(f"[[content:404*2]] {DONE}")
    assert [caller.content(job).status_code for _ in range(3)] == [404, 404, 200]


def test_there_is_no_content_before_the_end_nor_of_a_failed_job(caller):
    assert caller.content(caller.accepted("[[time:60]]")).status_code == 400
    assert caller.content(caller.accepted(f"[[fail:INTERNAL]] {DONE}")).status_code == 400
