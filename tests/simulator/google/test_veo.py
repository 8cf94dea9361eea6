"""Veo on Agent Platform: the rules of a request, and what a poll tells."""

import base64
import json

import av
import httpx
import pytest

from tests.simulator.conftest import png
from tests.simulator.google.conftest import DONE, MODEL, picture
from tests.support import web

LITE = MODEL.replace("generate", "lite-generate")
STILL = picture(png(64, 36))
REFERENCE = {"image": STILL, "referenceType": "asset"}


def test_an_operation_has_a_full_name_and_nothing_else(veo):
    body = veo.predict("a sea").json()
    assert list(body) == ["name"]
    assert body["name"].startswith(f"{MODEL}/operations/")


def test_an_open_operation_tells_its_name_alone(veo):
    name = veo.accepted("a sea")
    assert veo.fetch(name).json() == {"name": name}


def test_an_open_operation_may_say_done_false(veo):
    body = veo.fetch(veo.accepted("a sea [[poll:done_false]]")).json()
    assert body["done"] is False
    assert "createTime" in body["metadata"]


def test_a_done_operation_has_the_video_within(veo):
    body = veo.ended("a sea")
    assert body["done"] is True
    assert body["response"]["raiMediaFilteredCount"] == 0
    (video,) = body["response"]["videos"]
    assert b"ftyp" in base64.b64decode(video["bytesBase64Encoded"], validate=True)[:16]


@pytest.mark.parametrize(
    ("parameters", "size", "seconds"),
    [
        ({"durationSeconds": 4}, (1280, 720), 4),
        ({"durationSeconds": 6.0, "aspectRatio": "9:16"}, (720, 1280), 6),
        ({"resolution": "1080p"}, (1920, 1080), 8),
    ],
)
def test_a_job_has_the_asked_size_and_length(veo, parameters, size, seconds):
    spec = veo.job(veo.accepted("it pans horizontally [[fail:13]]", parameters, tiny=False))
    assert spec["video"] == {"size": list(size), "seconds": seconds, "fps": 24}
    assert spec["motion"] == "pan"


def test_the_video_is_as_it_was_asked_for(veo, tmp_path):
    name = veo.accepted("locked-off [[time:0]]", {"durationSeconds": 4}, tiny=False)
    while not (body := veo.fetch(name).json()).get("done"):
        pass
    path = tmp_path / "a.mp4"
    path.write_bytes(base64.b64decode(body["response"]["videos"][0]["bytesBase64Encoded"]))
    with av.open(path) as movie:
        stream = movie.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (1280, 720, 24)
        assert stream.frames == 4 * 24


WRONG = {
    "a length as text": ({"durationSeconds": "8"}, {}, "needs to be a number"),
    "a length as truth": ({"durationSeconds": True}, {}, "needs to be a number"),
    "a length of five": ({"durationSeconds": 5}, {}, "Unsupported output video duration 5"),
    "1080p of four": ({"durationSeconds": 4, "resolution": "1080p"}, {}, "say 8"),
    "360p": ({"resolution": "360p"}, {}, "Unsupported resolution"),
    "a prompt as it is": ({"enhancePrompt": False}, {}, "cannot be disabled"),
    "a square": ({"aspectRatio": "1:1"}, {}, "aspectRatio"),
    "a large seed": ({"seed": 2**32}, {}, "seed"),
    "five videos": ({"sampleCount": 5}, {}, "sampleCount"),
    "30 frames": ({"fps": 30}, {}, "fps"),
    "audio as text": ({"generateAudio": "true"}, {}, "generateAudio"),
    "a web address": ({}, {"image": {"gcsUri": "https://a.example/b.png"}}, "gs://"),
    "a data URL": (
        {},
        {"image": {"bytesBase64Encoded": "data:image/png;base64,AA==", "mimeType": "image/png"}},
        "Base64",
    ),
    "inline data": ({}, {"image": {"inlineData": {}}}, "`inlineData` isn't supported"),
    "no picture": ({}, {"image": picture(b"text")}, "not a JPEG"),
    "a last frame alone": ({}, {"lastFrame": STILL}, "lastFrame needs an image"),
    "references and a frame": (
        {},
        {"image": STILL, "referenceImages": [REFERENCE]},
        "cannot be combined",
    ),
    "a style": ({}, {"referenceImages": [REFERENCE | {"referenceType": "style"}]}, "asset"),
    "four references": ({}, {"referenceImages": [REFERENCE] * 4}, "At most 3"),
    "references of four": ({"durationSeconds": 4}, {"referenceImages": [REFERENCE]}, "say 8"),
    "no picture at all": ({}, {"image": "gs://bucket/a.png"}, "must be an object"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_broken_rule_is_an_invalid_argument(veo, wrong):
    parameters, instance, text = WRONG[wrong]
    response = veo.predict("a sea", parameters, **instance)
    assert response.status_code == 400
    assert response.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert text in response.json()["error"]["message"]


def test_all_that_is_legal_is_taken(veo):
    veo.accepted("a [[fail:3]]", {"seed": 0, "storageUri": "gs://bucket/x"}, image=STILL)
    veo.accepted("a [[fail:3]]", {"resizeMode": "pad"}, image=STILL, lastFrame=STILL)
    veo.accepted(
        "a [[fail:3]]", referenceImages=[REFERENCE, {**REFERENCE, "referenceType": "ASSET"}]
    )
    veo.accepted("a [[fail:3]]", image={"gcsUri": "gs://bucket/a.png", "mimeType": "image/png"})


def test_lite_takes_no_references_and_no_4k(veo):
    assert veo.predict("a", model=LITE, referenceImages=[REFERENCE]).status_code == 400
    assert veo.predict("a", {"resolution": "4k"}, model=LITE).status_code == 400


@pytest.mark.parametrize("name", ["veo-3.1-generate-preview", "veo-9"])
def test_an_unknown_model_is_a_404(veo, name):
    response = veo.predict("a", model=MODEL.replace("veo-3.1-generate-001", name))
    assert response.status_code == 404
    assert "Publisher model" in response.json()["error"]["message"]


def test_an_operation_cannot_be_got(veo):
    assert veo.http.get(f"/v1/{veo.accepted('a')}").status_code == 404


def test_fetch_knows_the_operations_of_its_model_alone(veo):
    name = veo.accepted("a")
    body = {"operationName": name}
    assert veo.http.post(f"/v1/{LITE}:fetchPredictOperation", json=body).status_code == 400
    assert veo.fetch(f"{MODEL}/operations/unknown").status_code == 404


def test_a_filtered_job_is_done_without_videos_and_free(veo):
    name = veo.accepted(f"a [[fail:filtered=58061214]] {DONE}")
    response = veo.fetch(name).json()["response"]
    assert "videos" not in response
    assert response["raiMediaFilteredCount"] == 1
    assert response["raiMediaFilteredReasons"][0].endswith("Support codes: 58061214")
    assert veo.job(name)["billed_usd"] == 0


@pytest.mark.parametrize("code", [3, 8, 13, 14])
def test_a_failure_has_the_number_of_google_rpc(veo, code):
    assert veo.ended(f"a [[fail:{code}]]")["error"]["code"] == code


def test_a_relays_failure_reads_as_googles(veo):
    error = veo.ended("a [[fail:CONTENT_POLICY_VIOLATION]]")["error"]
    assert error["code"] == 3
    assert "Support codes" in error["message"]


@pytest.mark.parametrize(
    ("token", "status", "text"),
    [
        ("guidelines", 400, "Support codes: 29310472"),
        ("quota", 429, "long_running_online_prediction_requests_per_base_model"),
        ("permission", 403, "aiplatform.endpoints.predict"),
        ("model_gone", 404, "Publisher model"),
        ("503", 503, "Service Unavailable"),
    ],
)
def test_a_refusal_is_in_googles_words_and_costs_nothing(veo, token, status, text):
    before = veo.simulator.report()["providers"]["vertex"]["accepted"]
    response = veo.predict(f"a [[submit:{token}]]")
    assert response.status_code == status
    assert text in response.json()["error"]["message"]
    assert veo.simulator.report()["providers"]["vertex"]["accepted"] == before


def test_a_reason_stands_in_the_details(veo):
    (detail,) = veo.predict("a [[submit:BILLING_DISABLED]]").json()["error"]["details"]
    assert detail["reason"] == "BILLING_DISABLED"


def test_an_error_may_come_as_an_array(veo):
    (body,) = veo.predict("a [[submit:429]] [[error:array]]").json()
    assert body["error"]["code"] == 429


def test_a_job_may_exist_after_a_500(veo):
    response = veo.predict("a [[submit:500+created]] [[key:lost]]", labels={"task": "vid_lost"})
    assert response.status_code == 500
    report = veo.simulator.report()
    assert report["tasks"]["lost"] == {"posts": 1, "accepted": 1}
    assert report["labels"]["vid_lost"] == {"vertex": 1}


def test_an_acceptance_may_lack_the_name(veo):
    assert veo.predict("a [[submit:no_id]]").json() == {}


def test_a_token_may_be_meant_for_another_provider(veo, omni):
    prompt = "a [[gemini.submit:429*1]] [[key:meant]]"
    assert veo.predict(prompt).status_code == 200
    assert [omni.create(prompt).status_code for _ in range(2)] == [429, 200]


@pytest.mark.parametrize(("word", "field"), [("flat", "bytesBase64Encoded"), ("encoded", "video")])
def test_the_bytes_may_lie_elsewhere(veo, word, field):
    response = veo.ended(f"a [[result:{word}]]")["response"]
    assert b"ftyp" in base64.b64decode(response[field])[:16]


def test_a_success_may_be_empty(veo):
    assert "videos" not in veo.ended("a [[result:none]]")["response"]


def test_the_bytes_fill_the_asked_size(veo):
    body = veo.ended("a [[link:inline=20]]")
    data = base64.b64decode(body["response"]["videos"][0]["bytesBase64Encoded"], validate=True)
    assert len(data) == 20_000_000


def test_a_poll_may_break_off(veo):
    name = veo.accepted(f"a [[poll:short*1]] {DONE}")
    with pytest.raises(httpx.RemoteProtocolError):
        veo.fetch(name)
    assert veo.fetch(name).json()["done"]


def test_results_lie_in_the_bucket_that_was_named(veo):
    body = veo.ended("a", {"storageUri": "gs://our-bucket/some/", "sampleCount": 2})
    uris = [video["gcsUri"] for video in body["response"]["videos"]]
    assert [uri.rpartition("/")[2] for uri in uris] == ["sample_0.mp4", "sample_1.mp4"]
    name = uris[0].removeprefix("gs://our-bucket/").replace("/", "%2F")
    url = f"/storage/v1/b/our-bucket/o/{name}"
    assert b"ftyp" in veo.http.get(url, params={"alt": "media"}).content[:16]
    assert veo.http.get(url).json()["contentType"] == "video/mp4"
    assert veo.http.get(f"{url}x").status_code == 404
    assert web.get(f"{veo.simulator.api}{url}").status_code == 401


def test_the_price_is_the_list_price(veo):
    silent = {"generateAudio": False, "durationSeconds": 8}
    assert veo.job(veo.accepted("a [[time:60]]"))["billed_usd"] == 3.2
    assert veo.job(veo.accepted("a [[time:60]]", silent))["billed_usd"] == 1.6


def test_labels_must_be_googles(veo):
    assert veo.predict("a", labels={"task": "Vid 1"}).status_code == 400


def test_an_unknown_field_at_the_top_is_refused(veo):
    body = {"instances": [{"prompt": "a"}], "webhook_config": {}}
    response = veo.http.post(f"/v1/{MODEL}:predictLongRunning", content=json.dumps(body))
    assert 'Unknown name "webhook_config"' in response.json()["error"]["message"]
