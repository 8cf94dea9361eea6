"""No answer of a relay takes much of the worker's memory, whatever it is made of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAX_MEMORY = 300  # MB beside the 60 of a worker that waits; 1,565 to 2,291 were seen before


def test_no_answer_fills_the_memory():
    paths = {"PYTHONPATH": f"{ROOT / 'layers/videoapi'}{os.pathsep}{ROOT}"}
    asked = subprocess.run(
        [sys.executable, ROOT / "tests/support/relay_memory.py"],
        env=os.environ | paths,
        capture_output=True,
        check=True,
        timeout=600,
    )
    taken = json.loads(asked.stdout)
    assert len(taken) > 15
    assert {name: most for name, most in taken.items() if most > MAX_MEMORY} == {}
