"""A video of 100 MB inside a JSON answer goes to the file in little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_MEMORY = 50  # MB; 150 are what a worker of 512 MB has to spare


def test_a_video_in_an_answer_does_not_fill_the_memory():
    paths = {"PYTHONPATH": f"{ROOT / 'layers/videoapi'}{os.pathsep}{ROOT}"}
    asked = subprocess.run(
        [sys.executable, ROOT / "tests/support/vertex_memory.py"],
        env=os.environ | paths,
        capture_output=True,
        check=True,
        timeout=120,
    )
    taken = json.loads(asked.stdout)
    assert set(taken) == {"poll", "download"}
    assert {name: most for name, most in taken.items() if most > MAX_MEMORY} == {}
