"""AWS's signed request as workload identity federation takes it, and what may be wrong with it."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

PROVIDER = (
    "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/aws-pool"
    "/providers/aws-provider"
)
TARGET = "x-goog-cloud-target-resource"


def subject_token(region="eu-west-1", *, moment=None, headers=None, signed="", **request):
    """Return a request for the caller's identity, signed in form; a header of None is left out."""
    date = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    signed = signed or f"host;x-amz-date;x-amz-security-token;{TARGET}"
    usual = {
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE1234567890/{date[:8]}/{region}"
            f"/sts/aws4_request, SignedHeaders={signed}, Signature={'a6eaa74b' * 8}"
        ),
        "host": f"sts.{region}.amazonaws.com",
        "x-amz-date": date,
        "x-amz-security-token": "SESSION/TOKEN==",
        TARGET: PROVIDER,
    }
    usual |= headers or {}
    named = [{"key": name, "value": value} for name, value in usual.items() if value is not None]
    url = f"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    call = {"headers": named, "method": "POST", "url": url} | request
    return quote(json.dumps(call, separators=(",", ":"), sort_keys=True))
