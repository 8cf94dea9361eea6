"""What LiteLLM's client is used for; the arguments are those of openai_sdk.py."""

import json
import sys
import time
from pathlib import Path

import litellm

SETTINGS = json.loads(sys.argv[2])
TOKENS, STILL = SETTINGS["tokens"], Path(SETTINGS["still"])
MAX_WAIT_SECONDS = 600
WHERE = {
    "api_base": f"{SETTINGS['url']}/v1",
    "api_key": "not-needed",
    "custom_llm_provider": "openai",
}


def ended(video_id):
    until = time.monotonic() + MAX_WAIT_SECONDS
    while (video := litellm.video_status(video_id, **WHERE)).status in ("queued", "in_progress"):
        assert time.monotonic() < until, video
        time.sleep(0.3)
    return video


def create(prompt, **more):
    return litellm.video_generation(f"{prompt} {TOKENS}", model="openai/veo_3_1", **more, **WHERE)


def refused(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as exc:
        return str(exc)
    raise AssertionError(f"{call} {args} {kwargs} was not refused")


def main():
    with STILL.open("rb") as still:
        made = create("A fox", input_reference=still, seconds="4", size="1280x720")
    assert (made.status, made.seconds, made.size) == ("queued", "4", "1280x720"), made
    video = ended(made.id)
    assert (video.status, video.progress) == ("completed", 100), video
    assert litellm.video_content(made.id, **WHERE)[4:8] == b"ftyp"
    thumbnail = litellm.video_content(made.id, variant="thumbnail", **WHERE)
    assert thumbnail[:3] == b"\xff\xd8\xff"
    text = create("A hare")
    assert "size" in refused(litellm.BadRequestError, create, "A fox", size="1x1")
    # By its version LiteLLM takes an error of the type `invalid_request_error`, OpenAI's own too,
    # for a 400 (1.106) or reads the status (1.109).
    kinds = litellm.BadRequestError, litellm.NotFoundError
    assert "video_not_found" in refused(kinds, litellm.video_status, "vid_none", **WHERE)
    listed = litellm.video_list(limit=100, **WHERE)
    assert len(listed["data"]) >= min(len(SETTINGS["listed"]), 100)
    if TOKENS:
        failed = ended(create("A mouse [[fail:CONTENT_POLICY_VIOLATION]]").id)
        assert (failed.status, failed.error["code"]) == ("failed", "content_policy_violation")
    assert ended(text.id).status == "completed"
    return {"video": made.id}


sys.stdout.write(json.dumps(main()))
