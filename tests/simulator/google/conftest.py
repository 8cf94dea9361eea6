"""Callers of Google's wires, as the worker is one, on the simulator of the folder above."""

import base64
from dataclasses import dataclass

import httpx
import pytest

from tests.support import web
from tests.support.google_auth import PROVIDER, subject_token
from tests.support.simulator_process import Simulator

DONE = "[[time:0]]"
MODEL = "projects/p-1/locations/us-central1/publishers/google/models/veo-3.1-generate-001"


@dataclass(frozen=True)
class Veo:
    simulator: Simulator
    http: httpx.Client

    def predict(self, prompt, parameters=None, *, model=MODEL, labels=None, tiny=True, **instance):
        prompt += " [[render:tiny]]" if tiny else ""
        body = {"instances": [{"prompt": prompt} | instance], "parameters": parameters or {}}
        body |= {"labels": labels} if labels else {}
        return self.http.post(f"/v1/{model}:predictLongRunning", json=body)

    def accepted(self, prompt, parameters=None, **more):
        response = self.predict(prompt, parameters, **more)
        assert response.status_code == 200, response.text
        return response.json()["name"]

    def fetch(self, name):
        model = name.partition("/operations/")[0]
        return self.http.post(f"/v1/{model}:fetchPredictOperation", json={"operationName": name})

    def ended(self, prompt, parameters=None, **more):
        """Return the operation of a job that is done when it is accepted."""
        return self.fetch(self.accepted(f"{prompt} {DONE}", parameters, **more)).json()

    def job(self, name):
        return next(job for job in self.simulator.report()["jobs"] if job["id"] == name)


@dataclass(frozen=True)
class Omni:
    simulator: Simulator
    http: httpx.Client

    def create(self, prompt, prefix="/v1beta", **changes):
        prompt = f"{prompt} [[render:tiny]]" if isinstance(prompt, str) else prompt
        shape = {"type": "video", "duration": "4s", "delivery": "uri"}
        shape |= changes.pop("response_format", {})
        body = {"model": "gemini-omni-1.2-flash", "input": prompt, "background": True}
        body |= {"store": True, "response_format": shape} | changes
        return self.http.post(f"{prefix}/interactions", json=body)

    def accepted(self, prompt, **changes):
        response = self.create(prompt, **changes)
        assert response.status_code == 200, response.text
        return response.json()["id"]

    def get(self, name):
        return self.http.get(f"/v1beta/interactions/{name}")

    def ended(self, prompt, **changes):
        return self.get(self.accepted(f"{prompt} {DONE}", **changes)).json()

    def uri(self, prompt, **changes):
        return self.ended(prompt, **changes)["steps"][1]["content"][0]["uri"]

    def job(self, name):
        return next(job for job in self.simulator.report()["jobs"] if job["id"] == name)


@pytest.fixture(scope="session")
def veo(caller):
    headers = {"authorization": f"Bearer {caller.upstream.google_token()}"}
    with httpx.Client(base_url=caller.upstream.api, headers=headers, timeout=10) as http:
        yield Veo(caller.upstream, http)


@pytest.fixture(scope="session")
def omni(caller):
    headers = {"x-goog-api-key": "any", "api-revision": "2026-05-20"}
    with httpx.Client(base_url=caller.upstream.api, headers=headers, timeout=10) as http:
        yield Omni(caller.upstream, http)


@pytest.fixture
def exchange(caller):
    """Return a function that exchanges a subject token; tokens of both services have no faults."""
    caller.upstream.change(auth_faults="")

    def post(subject=None, **changes):
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "audience": PROVIDER,
            "subject_token": subject_token() if subject is None else subject,
        }
        return web.post(f"{caller.upstream.api}/v1/token", data=form | changes)

    yield post
    caller.upstream.change(auth_faults="")


def picture(data, mime_type="image/png"):
    return {"bytesBase64Encoded": base64.b64encode(data).decode(), "mimeType": mime_type}
