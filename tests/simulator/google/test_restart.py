"""Google's jobs and tokens outlive the simulator's process; the bill has all that is paid."""

from contextlib import contextmanager

import httpx

from tests.simulator.google.conftest import MODEL, Omni, Veo
from tests.support import web
from tests.support.simulator_process import running

KEY = {"x-goog-api-key": "k", "api-revision": "2026-05-20"}


@contextmanager
def started(*options, token=""):
    """Run a simulator of its own; yield callers of its Google, with an earlier token if any."""
    with running(*options) as simulator:
        bearer = {"authorization": f"Bearer {token or simulator.google_token()}"}
        with (
            httpx.Client(
                base_url=simulator.api, headers=bearer, timeout=web.PATIENCE_SECONDS
            ) as agent_platform,
            httpx.Client(
                base_url=simulator.api, headers=KEY, timeout=web.PATIENCE_SECONDS
            ) as gemini,
        ):
            yield Veo(simulator, agent_platform), Omni(simulator, gemini)


def test_jobs_and_tokens_outlive_a_restart(tmp_path):
    options = ("--seconds=60", "--key=k", f"--keep-in={tmp_path}")
    with started(*options) as (veo, omni):
        token = veo.simulator.google_token()
        done = veo.accepted("a sea [[time:0]]", labels={"task": "vid_1-1"})
        held = omni.accepted("a fox")
        dropped, deleted = omni.accepted("a cat"), omni.accepted("a dog")
        omni.http.post(f"/v1beta/interactions/{dropped}/cancel")
        omni.http.delete(f"/v1beta/interactions/{deleted}")
    with started(*options, token=token) as (veo, omni):
        while not (body := veo.fetch(done).json()).get("done"):
            pass
        assert body["response"]["videos"]
        assert omni.get(held).json()["status"] == "in_progress"
        assert omni.get(dropped).json()["status"] == "cancelled"
        assert omni.get(deleted).status_code == 404
        report = omni.simulator.report()
        assert report["labels"] == {"vid_1-1": {"vertex": 1}}
        assert report["providers"]["gemini"]["billed"] == 2
        assert report["providers"]["gemini"]["accepted"] == 0
        headers = KEY | {"x-goog-api-key": "another"}
        url = f"{omni.simulator.api}/v1beta/interactions/{held}"
        refused = web.get(url, headers=headers)
        assert refused.status_code == 400
        assert refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_the_bill_has_a_row_for_each_paid_job():
    with started("--tiny", "--seconds=0", "--price=0.25") as (veo, omni):
        api = veo.simulator.api
        paid = veo.accepted("a sea")
        veo.accepted("a sea [[fail:filtered]]")
        other = omni.accepted("a fox")
        form = {"model": (None, "m"), "prompt": (None, "a cat")}
        bearer = {"authorization": "Bearer any"}
        relay = web.post(f"{api}/v1/videos", files=form, headers=bearer).json()["id"]
        rows = web.get(f"{api}/_control/bill").text.splitlines()
        assert rows[0] == "job_id,time,amount"
        assert [row.split(",")[0] for row in rows[1:]] == [paid, other, relay]
        url = f"{api}/_control/bill?provider=vertex"
        (row,) = web.get(url).text.splitlines()[1:]
        assert row.startswith(f"{MODEL}/operations/")
        assert row.endswith(",3.200000")
        assert rows[3].endswith(",0.250000")
