"""Interactions: the rules of a request, what a read tells, and the file."""

import base64

import pytest

from tests.simulator.conftest import png
from tests.simulator.google.conftest import DONE
from tests.support import web


def test_an_interaction_is_in_progress_first(omni):
    body = omni.create("a sea").json()
    assert (body["object"], body["status"]) == ("interaction", "in_progress")
    assert body["id"].startswith("v1_")


def test_a_completed_one_has_steps_and_usage(omni):
    body = omni.ended("a sea")
    assert body["status"] == "completed"
    assert [step["type"] for step in body["steps"]] == ["thought", "model_output"]
    usage = body["usage"]
    assert usage["output_tokens_by_modality"] == [{"modality": "video", "tokens": 4 * 5792}]
    assert usage["total_thought_tokens"] == 87
    assert usage["total_tokens"] == usage["total_input_tokens"] + 4 * 5792 + 87


def test_without_a_revision_v1beta_has_the_older_schema(omni):
    name = omni.accepted(f"a sea {DONE}")
    headers = {"x-goog-api-key": "any"}
    older = web.get(f"{omni.simulator.api}/v1beta/interactions/{name}", headers=headers).json()
    assert "steps" not in older
    assert older["outputs"][0]["type"] == "video"
    assert (
        "steps" in web.get(f"{omni.simulator.api}/v1/interactions/{name}", headers=headers).json()
    )


def test_the_file_is_downloaded_with_the_key_alone(omni):
    uri = omni.uri("a sea")
    assert b"ftyp" in omni.http.get(uri).content[:16]
    assert web.get(uri).status_code == 403


def test_a_file_may_be_processing_first(omni):
    uri = omni.uri("a sea [[content:processing*2]]")
    file = uri.removesuffix(":download?alt=media")
    assert omni.http.get(uri).status_code == 400
    assert [omni.http.get(file).json()["state"] for _ in range(3)] == [
        "PROCESSING",
        "PROCESSING",
        "ACTIVE",
    ]
    assert omni.http.get(uri).status_code == 200


def test_a_file_may_be_processing_for_a_time_or_fail(omni):
    for token, state in (
        ("processing=60", "PROCESSING"),
        ("processing=0", "ACTIVE"),
        ("broken", "FAILED"),
    ):
        file = omni.uri(f"a sea [[content:{token}]]").removesuffix(":download?alt=media")
        assert omni.http.get(file).json()["state"] == state


def test_a_download_may_lead_elsewhere_where_a_key_is_a_leak(omni):
    uri = omni.uri("a sea [[file:redirect]]")
    assert omni.http.get(uri).status_code == 302
    before = omni.simulator.report()["leaks"]
    elsewhere = omni.http.get(uri).headers["location"]
    omni.http.get(elsewhere)
    assert omni.simulator.report()["leaks"] == before + 1


def test_inline_delivery_has_the_bytes(omni):
    body = omni.ended("a sea", response_format={"delivery": "inline"})
    (video,) = body["steps"][1]["content"]
    assert b"ftyp" in base64.b64decode(video["data"], validate=True)[:16]


def test_a_foreground_one_is_answered_at_its_end(omni):
    body = omni.create(f"a sea {DONE}", background=False).json()
    assert body["status"] == "completed"


WRONG = {
    "an integer": ({"duration": 8}, {}, "duration"),
    "a bare number": ({"duration": "8"}, {}, "duration"),
    "sixteen seconds": ({"duration": "16s"}, {}, "exceeds the maximum allowed 15s 0ns"),
    "two seconds": ({"duration": "2s"}, {}, "below the minimum"),
    "a square": ({"aspect_ratio": "1:1"}, {}, "aspect_ratio"),
    "2k": ({"resolution": "2k"}, {}, "resolution"),
    "nothing stored": ({}, {"store": False}, "background needs store"),
    "safety settings": ({}, {"safety_settings": [{}]}, "not supported"),
    "a text": ({"type": "text"}, {}, "type video"),
    "a task": ({}, {"generation_config": {"video_config": {"task": "dance"}}}, "task"),
    "a task twice": (
        {},
        {"generation_config": {"video_config": {"task": "edit"}}, "previous_interaction_id": "v1"},
        "previous_interaction_id",
    ),
    "a web address": ({}, {"input": [{"type": "image", "uri": "https://a.example/b.png"}]}, "data"),
    "another part": ({}, {"input": [{"type": "input_text", "text": "a"}]}, "content type"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_broken_rule_is_a_400(omni, wrong):
    shape, changes, text = WRONG[wrong]
    response = omni.create("a sea", response_format=shape, **changes)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert text in response.json()["error"]["message"]


def test_ten_seconds_are_the_most_between_two_frames(omni):
    image = {
        "type": "image",
        "mime_type": "image/png",
        "data": base64.b64encode(png(64, 36)).decode(),
    }
    parts = [{"type": "text", "text": "<FIRST_FRAME> to <LAST_FRAME>"}, image, image]
    steps = [{"type": "user_input", "content": parts}]
    response = omni.create(steps, response_format={"duration": "12s"})
    assert "exceeds the maximum allowed 10s 0ns" in response.json()["error"]["message"]
    assert omni.create(steps, response_format={"duration": "10s"}).status_code == 200


def test_an_empty_input_is_billed_at_ten_seconds(omni):
    body = {"model": "gemini-omni-1.2-flash", "background": True, "labels": {"task": "empty"}}
    shape = {"type": "video", "resolution": "360p"}
    body |= {"input": "", "response_format": shape}
    response = omni.http.post("/v1beta/interactions", json=body)
    assert response.status_code == 200
    assert omni.job(response.json()["id"])["billed_usd"] == (19_310 * 12 + 87 * 9) / 1e6
    assert omni.simulator.report()["labels"]["empty"] == {"gemini": 1}


def test_seconds_of_the_configuration_count_for_nothing(omni):
    config = {"video_config": {"duration_seconds": 3}}
    body = {"model": "gemini-omni-1.2-flash", "input": "a [[fail:13]]", "background": True}
    made = omni.http.post("/v1beta/interactions", json=body | {"generation_config": config})
    assert omni.job(made.json()["id"])["fields"]["video_tokens"] == "57920"


@pytest.mark.parametrize("body", [{"content": b"{}"}, {"content": b""}])
def test_a_cancelled_one_is_not_billed(omni, body):
    name = omni.accepted("a sea")
    body = omni.http.post(f"/v1beta/interactions/{name}/cancel", **body)
    assert body.json()["status"] == "cancelled"
    assert omni.get(name).json()["status"] == "cancelled"
    assert omni.job(name)["billed_usd"] == 0


def test_an_ended_one_is_not_cancelled(omni):
    name = omni.accepted(f"a sea {DONE}")
    assert omni.http.post(f"/v1beta/interactions/{name}/cancel").status_code == 400


def test_a_deleted_one_is_unknown_but_billed(omni):
    name = omni.accepted("a sea")
    assert omni.http.delete(f"/v1beta/interactions/{name}").status_code == 200
    assert omni.get(name).status_code == 404
    assert omni.job(name)["billed_usd"] > 0


def test_a_filtered_one_is_completed_without_a_video(omni):
    body = omni.ended("a [[fail:filtered]]")
    assert body["status"] == "completed"
    assert body["steps"][1]["content"] == []
    assert body["usage"]["output_tokens_by_modality"] == []


def test_a_completed_one_may_hold_its_inputs_alone(omni):
    body = omni.ended("a [[result:inputs]]")
    assert [step["type"] for step in body["steps"]] == ["user_input"]


def test_a_failed_one_has_errors(omni):
    body = omni.ended("a [[fail:13]]")
    assert body["status"] == "failed"
    assert body["errors"] == [{"code": "internal", "message": "Internal error. Please try again."}]


@pytest.mark.parametrize("word", ["incomplete", "budget_exceeded", "requires_action"])
def test_it_may_stop_in_other_words(omni, word):
    assert omni.ended(f"a [[status:{word}]]")["status"] == word


def test_a_blocked_one_is_refused_at_once(omni):
    response = omni.create("a [[submit:content_blocked]]")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "content_blocked"


def test_wrong_key_is_an_invalid_argument_and_none_forbidden(omni):
    for headers, status in (({}, 403), ({"x-goog-api-key": ""}, 403)):
        url = f"{omni.simulator.api}/v1beta/interactions"
        assert web.post(url, json={}, headers=headers).status_code == status


def test_other_methods_and_models_are_gone(omni):
    response = omni.http.post("/v1beta/models/gemini-omni-1.2-flash:generateContent", json={})
    assert "only supports Interactions API" in response.json()["error"]["message"]
    path = "/v1beta/models/veo-3.1-generate-preview:predictLongRunning"
    assert omni.http.post(path, json={}).status_code == 404
    assert omni.create("a", model="gemini-omni-flash-preview").status_code == 404


def test_agent_platform_takes_a_token_and_wants_a_bucket(omni, veo):
    path = "/v1beta1/projects/p-1/locations/global/interactions"
    body = {
        "model": "gemini-omni-1.2-flash",
        "input": f"a [[render:tiny]] {DONE}",
        "background": True,
    }
    shape = {"type": "video", "duration": "4s", "delivery": "uri"}
    assert omni.http.post(path, json=body).status_code == 401
    assert veo.http.post(path, json=body | {"response_format": shape}).status_code == 400
    shape |= {"gcs_uri": "gs://our-bucket/omni"}
    name = veo.http.post(path, json=body | {"response_format": shape}).json()["id"]
    (video,) = veo.http.get(f"{path}/{name}").json()["steps"][1]["content"]
    assert video["uri"].startswith("gs://our-bucket/omni/")
