"""The code of docs/webhooks.md verifies what we sign, and nothing else."""

import json
import re
import shutil
import subprocess
import time

import pytest

from tests.support.docs import DOCS
from videoapi.accounts.webhook_secrets import new_secret
from videoapi.webhooks import signing

SECRET = new_secret()
BODY = json.dumps({"id": "evt_1", "object": "event", "type": "video.failed", "data": {"ü": 1}})


def block(name):
    """Return the code under a comment with this name."""
    found = re.search(
        rf"<!-- {name} -->\n```\w+\n(.*?)```", (DOCS / "webhooks.md").read_text(), re.DOTALL
    )
    return found[1]


def signed(*secrets, at=None):
    return signing.headers("evt_1", at or int(time.time()), BODY.encode(), secrets or [SECRET])


WRONG = {
    "another_secret": (BODY, signed(new_secret())),
    "another_body": (BODY + " ", signed()),
    "an_old_one": (BODY, signed(at=int(time.time()) - 3600)),
}


@pytest.mark.parametrize("name", ["verify.py", "verify_openai.py"])
def test_python_verifies(name):
    names = {}
    exec(compile(block(name), name, "exec"), names)
    verified = names["verified"]
    assert verified(BODY.encode(), signed(), SECRET)
    assert verified(BODY.encode(), signed(new_secret(), SECRET), SECRET)
    for body, headers in WRONG.values():
        with pytest.raises(Exception, match=r"(?i)signature|timestamp|time"):
            verified(body.encode(), headers, SECRET)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_javascript_verifies(tmp_path):
    (tmp_path / "verify.mjs").write_text(block("verify.mjs"))
    program = """
        import { verified } from "./verify.mjs";
        const cases = JSON.parse(process.argv[2]);
        console.log(JSON.stringify(cases.map(([body, headers]) => {
          try { return verified(body, headers, process.argv[3]).type; } catch { return null; }
        })));"""
    (tmp_path / "main.mjs").write_text(program)
    cases = [(BODY, signed()), (BODY, signed(new_secret(), SECRET)), *WRONG.values()]
    done = subprocess.run(
        [shutil.which("node"), "main.mjs", json.dumps(cases), SECRET],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == ["video.failed", "video.failed", None, None, None]


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_go_verifies(tmp_path):
    (tmp_path / "go.mod").write_text("module webhook\n\ngo 1.20\n")
    (tmp_path / "verify.go").write_text(block("verify.go"))
    program = """package webhook

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
)

func TestVerify(t *testing.T) {
	var cases []struct {
		Body    string
		Headers map[string]string
		Good    bool
	}
	if err := json.Unmarshal([]byte(os.Getenv("CASES")), &cases); err != nil {
		t.Fatal(err)
	}
	for _, each := range cases {
		headers := http.Header{}
		for name, value := range each.Headers {
			headers.Set(name, value)
		}
		err := Verify([]byte(each.Body), headers, os.Getenv("SECRET"))
		if (err == nil) != each.Good {
			t.Error(each, err)
		}
	}
}
"""
    (tmp_path / "verify_test.go").write_text(program)
    good = [(BODY, signed()), (BODY, signed(new_secret(), SECRET))]
    cases = [{"Body": b, "Headers": h, "Good": True} for b, h in good]
    cases += [{"Body": b, "Headers": h, "Good": False} for b, h in WRONG.values()]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/local/go/bin:/usr/bin:/bin"}
    environment |= {"CASES": json.dumps(cases), "SECRET": SECRET, "GOFLAGS": "-mod=mod"}
    done = subprocess.run(
        [shutil.which("go"), "test", "./..."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
