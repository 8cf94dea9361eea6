"""Google's own clients: google-genai gets its videos, google-auth its token from AWS's identity.

`python google_sdk.py MODE SETTINGS`; prints what came of it as JSON on the last line.
"""

import base64
import json
import re
import sys
import time
from pathlib import Path

import google.auth.aws
from google import genai
from google.auth.transport.requests import Request
from google.genai import types

AUDIENCE = (
    "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/aws-pool"
    "/providers/aws-provider"
)
EMAIL = "video@p-1.iam.gserviceaccount.com"
WITHIN_SECONDS = 30


class Supplier(google.auth.aws.AwsSecurityCredentialsSupplier):
    """A role's credentials, as a function has them."""

    def get_aws_security_credentials(self, *_context_and_request, **_named):
        return google.auth.aws.AwsSecurityCredentials("AKIDEXAMPLE1234567890", "secret", "session")

    def get_aws_region(self, *_context_and_request, **_named):
        return "eu-west-1"


def credentials(url, *, impersonate=True):
    """Return the credentials of workload identity federation, an account's where it is asked."""
    account = f"{url}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    return google.auth.aws.Credentials(
        audience=AUDIENCE,
        subject_token_type="urn:ietf:params:aws:token-type:aws4_request",
        token_url=f"{url}/v1/token",
        aws_security_credentials_supplier=Supplier(),
        service_account_impersonation_url=account if impersonate else None,
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )


def token(url, impersonate):
    held = credentials(url, impersonate=impersonate)
    held.refresh(Request())
    return {"token": held.token, "valid": held.valid}


def veo(url, still, prompt, bucket=None):
    client = genai.Client(
        vertexai=True,
        project="p-1",
        location="us-central1",
        credentials=credentials(url),
        http_options=types.HttpOptions(base_url=url),
    )
    config = types.GenerateVideosConfig(
        duration_seconds=4,
        aspect_ratio="16:9",
        resolution="720p",
        generate_audio=False,
        seed=0,
        output_gcs_uri=bucket,
        labels={"task": "sdk-veo"},
    )
    image = types.Image.from_file(location=still)
    source = types.GenerateVideosSource(prompt=prompt, image=image)
    operation = client.models.generate_videos(
        model="veo-3.1-generate-001", source=source, config=config
    )
    until = time.monotonic() + WITHIN_SECONDS
    while not operation.done and time.monotonic() < until:
        time.sleep(0.1)
        operation = client.operations.get(operation)
    video = operation.response.generated_videos[0].video
    return {"name": operation.name, "video": (video.video_bytes or b"").hex(), "uri": video.uri}


def omni(url, still, prompt, delivery):
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=url))
    data = base64.b64encode(Path(still).read_bytes()).decode()
    image = {"type": "image", "mime_type": "image/jpeg", "data": data}
    interaction = client.interactions.create(
        model="gemini-omni-1.2-flash",
        input=[{"type": "text", "text": prompt}, image],
        background=True,
        store=True,
        response_format={
            "type": "video",
            "aspect_ratio": "9:16",
            "resolution": "360p",
            "duration": "3s",
            "delivery": delivery,
        },
    )
    name = interaction.id
    until = time.monotonic() + WITHIN_SECONDS
    while interaction.status in {"in_progress", "queued"} and time.monotonic() < until:
        time.sleep(0.1)
        interaction = client.interactions.get(name)
    video = interaction.output_video
    data = _downloaded(client, video.uri) if video.uri else base64.b64decode(video.data)
    spent = {each.modality: each.tokens for each in interaction.usage.output_tokens_by_modality}
    return {"name": name, "video": data.hex(), "status": interaction.status, "tokens": spent}


def _downloaded(client, uri):
    """Read a file when it is ready, by its name: the SDK knows addresses with https alone."""
    name = re.search(r"/(files/[a-z0-9]+):download", uri)[1]
    until = time.monotonic() + WITHIN_SECONDS
    while (file := client.files.get(name=name)).state == "PROCESSING" and time.monotonic() < until:
        time.sleep(0.1)
    return client.files.download(file=file)


def cancel(url, prompt):
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=url))
    made = client.interactions.create(
        model="gemini-omni-1.2-flash", input=prompt, background=True, store=True
    )
    cancelled = client.interactions.cancel(made.id)
    client.interactions.delete(made.id)
    return {"name": made.id, "status": cancelled.status}


MODES = {"token": token, "veo": veo, "omni": omni, "cancel": cancel}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(MODES[sys.argv[1]](**json.loads(sys.argv[2]))))
