import time

import pytest

from tests.simulator.conftest import png
from tests.support import web
from tests.support.simulator_process import running


def test_a_job_runs_from_queued_to_completed(caller):
    job = caller.accepted("[[time:0.4]] [[render:tiny]]")
    seen = []
    while not seen or seen[-1]["status"] != "completed":
        assert len(seen) < 200
        seen.append(caller.poll(job).json())
        time.sleep(0.01)
    words = list(dict.fromkeys(poll["status"] for poll in seen))
    assert words in (["queued", "in_progress", "completed"], ["in_progress", "completed"])
    progress = [poll["progress"] for poll in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert len(set(progress)) > 2
    assert caller.anonymous.get(seen[-1]["video_url"]).content[4:8] == b"ftyp"


def test_a_poll_tells_what_is_made(caller):
    assert caller.ended("")["seconds"] == "1"
    assert caller.ended("")["size"] == "64x36"
    running_job = caller.poll(caller.accepted("a sea", seconds="5")).json()
    assert (running_job["seconds"], running_job["size"]) == ("5", "1280x720")


def test_what_the_model_makes_may_differ_from_what_was_asked(caller):
    made = caller.poll(caller.accepted("a sea [[render:veo]]", seconds="3", size="640x360")).json()
    assert (made["seconds"], made["size"]) == ("8", "1280x720")


@pytest.mark.parametrize("key", ["", "Basic x", "Bearer"])
def test_a_bearer_key_is_needed(caller, key):
    url, form = f"{caller.upstream.api}/v1/videos", {"model": (None, "m"), "prompt": (None, "p")}
    for response in (
        caller.anonymous.post(url, files=form, headers={"authorization": key}),
        caller.anonymous.get(f"{url}/x", headers={"authorization": key}),
        caller.anonymous.get(f"{url}/x/content", headers={"authorization": key}),
    ):
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"prompt": " "}, "prompt"),
        ({"size": "1280"}, "size"),
        ({"size": "1281x720"}, "size"),
        ({"seconds": "five"}, "seconds"),
        ({"seconds": "0"}, "seconds"),
        ({"fps": "0"}, "fps"),
        ({"motion_strength": "2"}, "motion_strength"),
        ({"camera_motion": "orbit"}, "camera_motion"),
        ({"watermark": "no"}, "watermark"),
        ({"input_reference": b"GIF89a"}, "input_reference"),
        ({"prompt": "[[typo]]"}, "prompt"),
    ],
)
def test_a_bad_field_is_refused_by_name(caller, fields, param):
    before = caller.upstream.report()
    response = caller.post(**{"prompt": "p"} | fields)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    after = caller.upstream.report()
    assert after["creates_refused"] == before["creates_refused"] + 1
    assert after["creates_accepted"] == before["creates_accepted"]


def test_the_body_must_be_a_form(caller):
    assert caller.http.post("/v1/videos", json={"prompt": "p"}).status_code == 400
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert caller.http.post("/v1/videos", content=b"oops", headers=broken).status_code == 400


def test_an_image_must_be_a_file(caller):
    form = {"model": (None, "m"), "prompt": (None, "p"), "input_reference": (None, "http://x/y")}
    response = caller.http.post("/v1/videos", files=form)
    assert response.json()["error"]["param"] == "input_reference"


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("veo_3_1", [0, 1, 2]),
        ("veo_3_1-fast-4K", [0, 1, 2]),
        ("veo_3_1-fast-fl", [1, 2]),
        ("veo_3_1-components", [1, 2, 3]),
        ("sora", [0, 1]),
    ],
)
def test_a_model_takes_its_number_of_images(caller, model, taken):
    statuses = []
    for number in range(5):
        form = {"model": model, "prompt": "a [[fail:INTERNAL]]", "size": "64x36"}
        files = [("input_reference", (f"{n}", png(64, 36), "image/png")) for n in range(number)]
        parts = [(name, (None, value)) for name, value in form.items()]
        statuses.append(caller.http.post("/v1/videos", files=[*parts, *files]).status_code)
    assert [number for number, status in enumerate(statuses) if status == 200] == taken


def test_an_unknown_job_does_not_exist(caller):
    for response in (caller.poll("video_0"), caller.content("video_0")):
        assert (response.status_code, response.json()["error"]["code"]) == (400, "task_not_exist")


@pytest.mark.slow
def test_a_strict_relay_makes_what_veo_makes():
    with running("--strict", "--key=k", "--seconds=0", "--tiny", "--endpoint=/veo/jobs") as strict:

        def post(key="k", **fields):
            form = {"model": "veo", "prompt": "p"} | fields
            headers = {"authorization": f"Bearer {key}"}
            files = {name: (None, value) for name, value in form.items()}
            return web.post(f"{strict.api}/veo/jobs", files=files, headers=headers)

        assert post("other").status_code == 401
        assert post(seconds="5").status_code == 400
        assert post(seconds="4", size="1920x1080").status_code == 400
        assert post(seconds="4", size="1080x1920").status_code == 400
        for fields in ({}, {"seconds": "4"}, {"seconds": "8", "size": "1920x1080", "fps": "60"}):
            assert post(**fields).status_code == 200
        strict.change(strict=False)
        assert post(seconds="5").status_code == 200
