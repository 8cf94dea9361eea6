"""A photo becomes a video over plain REST, with httpx: upload, submit, poll, download.

pip install httpx
python examples/python/rest_httpx.py "Slow pan over the valley"
"""

import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx

URL = os.environ.get("VIDEOAPI_URL", "http://localhost:8000")
KEY = os.environ.get("VIDEOAPI_KEY", "not-needed")
STILL = Path(__file__).parents[1] / "mountains.jpg"


def asked(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the answer to what may be asked twice: what is away for a moment is asked again."""
    for seconds in (1, 2, 4, 8, 16):
        try:
            answer = send()
            if answer.status_code not in (429, 502, 503, 504):
                return answer
        except httpx.TransportError:
            pass
        time.sleep(seconds)
    return send()


def uploaded(api: httpx.Client, image: bytes) -> str:
    """Send an image of up to 20 MB past the API's own limit; return what a submit takes."""
    form = asked(lambda: api.post("/api/v1/uploads", json={"content_type": "image/jpeg"}))
    place = form.raise_for_status().json()
    # Without our key: the form is signed.
    httpx.post(
        place["url"], data=place["fields"], files={"file": image}, timeout=60
    ).raise_for_status()
    return str(place["reference"])


with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as api:
    prompt = sys.argv[1] if len(sys.argv) > 1 else "Slow pan over the valley"
    wanted = {
        "image": uploaded(api, STILL.read_bytes()),
        "prompt": prompt,
        "duration": 4,
        "resolution": "720p",
        "camera_motion": "pan",
    }
    # Repetitions of this request have the same key, and are paid once.
    once = {"Idempotency-Key": str(uuid.uuid4())}
    answer = asked(lambda: api.post("/api/v1/videos/generate", json=wanted, headers=once))
    if answer.is_client_error:  # it says which field is wrong, and what it may be
        sys.exit(answer.json()["error"]["message"])
    where = answer.raise_for_status().headers["Location"]
    while True:
        answer = asked(lambda: api.get(where)).raise_for_status()
        task = answer.json()
        if task["status"] not in ("pending", "processing"):
            break
        print(f"{task['status']}, {task['progress']} %")
        time.sleep(int(answer.headers["Retry-After"]))
    if task["status"] != "completed":
        sys.exit(f"{task['status']}: {task['error']['message']}")
    video = httpx.get(task["video_url"], follow_redirects=True, timeout=60)  # it needs no key
    Path("video.mp4").write_bytes(video.raise_for_status().content)
    print(f"{task['task_id']}: video.mp4")
