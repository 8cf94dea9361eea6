"""A photo becomes a video with the OpenAI SDK, unmodified.

pip install openai
python examples/python/openai_sdk.py "Slow pan over the valley"

It warns that OpenAI's own Sora is deprecated; that is not about this API.
"""

import os
import sys
from pathlib import Path

from openai import OpenAI

URL = os.environ.get("VIDEOAPI_URL", "http://localhost:8000")
KEY = os.environ.get("VIDEOAPI_KEY", "not-needed")
STILL = Path(__file__).parents[1] / "mountains.jpg"

client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
prompt = sys.argv[1] if len(sys.argv) > 1 else "Slow pan over the valley"
# The SDK repeats a request whose answer was lost. The service knows it again: it is paid once.
video = client.videos.create_and_poll(
    prompt=prompt, seconds="4", size="1280x720", input_reference=STILL
)
if video.status != "completed":
    sys.exit(f"{video.id} {video.status}: {video.error and video.error.message}")
client.videos.download_content(video.id).write_to_file("video.mp4")
print(f"{video.id}: video.mp4")
