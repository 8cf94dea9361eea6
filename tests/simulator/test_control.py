import pytest

from tests.support import web
from tests.support.simulator_process import running


@pytest.fixture
def own():
    """Return a simulator of its own, and a function that posts to it."""
    with running("--tiny", "--seconds=0") as upstream:

        def post(prompt):
            form = {"model": (None, "m"), "prompt": (None, prompt)}
            headers = {"authorization": "Bearer any"}
            return web.post(f"{upstream.api}/v1/videos", files=form, headers=headers)

        yield upstream, post


def test_counts_tell_paid_jobs_live_jobs_and_reads(own):
    upstream, post = own
    for _ in range(3):
        post("[[time:60]] [[key:live]]")
    post("[[submit:429]] [[key:none]]")
    failed = post("[[fail:INTERNAL]]").json()["id"]
    headers = {"authorization": "Bearer any"}
    web.get(f"{upstream.api}/v1/videos/{failed}", headers=headers)
    web.get(f"{upstream.api}/v1/videos/{failed}/content", headers=headers)
    report = upstream.report()
    assert report["creates_received"] == 5
    assert report["creates_accepted"] == 4
    assert report["creates_refused"] == 1
    assert report["polls"] == 1
    assert report["content_reads"] == 1
    assert report["live"] == 3
    assert report["peak_live"] == 3
    assert report["tasks"]["live"] == {"posts": 3, "accepted": 3}
    assert report["tasks"]["none"] == {"posts": 1, "accepted": 0}
    upstream.reset()
    assert upstream.report()["jobs"] == []
    assert upstream.report()["creates_received"] == 0


def test_a_job_tells_what_came_and_when(caller):
    job = caller.accepted(
        "a sea [[key:told]] [[time:0]] [[render:tiny]]", seconds="5", camera_motion="pan"
    )
    caller.poll(job)
    report = caller.job(job)
    assert report["key"] == "told"
    assert report["fields"]["seconds"] == "5"
    assert report["fields"]["watermark"] == "false"
    assert report["fields"]["input_reference"] == f"input image/png {report['input_bytes']} bytes"
    assert report["motion"] == "pan"
    assert report["state"] == "completed"
    assert len(report["polls"]) == 1
    assert report["created_at"] <= report["ended_at"] <= report["seen_at"]


def test_settings_change_for_the_jobs_to_come(own):
    upstream, post = own
    upstream.change(seconds=60)
    post("a sea")
    assert upstream.report()["live"] == 1
    settings = {"seconds": 60, "strict": False, "tiny": True, "auth_faults": ""}
    assert upstream.report()["settings"] == settings


@pytest.mark.parametrize("setting", [{"second": 1}, {"seconds": "1"}, {"strict": 1}])
def test_an_unknown_setting_is_refused(caller, setting):
    with pytest.raises(ValueError, match="no such setting"):
        caller.upstream.change(**setting)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff"])
def test_settings_must_be_an_object(caller, body):
    assert caller.http.post("/_control/settings", content=body).status_code == 400
