"""What a function's own import says in the log: nothing."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.moto import ROOT

ROLES = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
# As Lambda's own start does it for JSON logs: a handler and INFO at the root, then the import.
START = """
import json, logging, sys
lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(f"{record.name}: {record.getMessage()}")
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel("INFO")
sys.path.insert(0, sys.argv[1])
import app
print(json.dumps(lines))
"""


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_cold_start_logs_nothing_of_its_libraries(role):
    """botocore tells at INFO where it found its credentials, once for each client made before."""
    names = {"TABLE_NAME": "tasks", "QUEUE_URL": "https://queue.example", "BUCKET_NAME": "files"}
    done = subprocess.run(
        [sys.executable, "-c", START, ROOT / "functions" / role],
        env=os.environ | names | {"PYTHONPATH": str(ROOT / "layers/videoapi")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
