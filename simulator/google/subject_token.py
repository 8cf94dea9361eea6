"""AWS's request for the caller's identity, as workload identity federation takes it for a token.

Google sends this signed request to AWS; its signature cannot be verified here without the secret,
so all else about it is.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.failures import Refusal

MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far AWS lets the date of a signature be off."""
_HOST: Final = re.compile(r"sts(?:\.([a-z0-9-]+))?\.amazonaws\.com")
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w{3,128})/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)"
    r"/sts/aws4_request, ?SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=[0-9a-f]{64}"
)
_QUERY: Final = {"Action": ["GetCallerIdentity"], "Version": ["2011-06-15"]}
_GLOBAL_REGION: Final = "us-east-1"


def check(token: str, audience: str, now: datetime | None = None) -> str:
    """Return the access key that signed a subject token; raise Refusal (`invalid_grant`)."""
    request = _parse(token)
    headers = request["headers"]
    region = _region(request)
    authorization = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if authorization is None:
        raise _refused("The Authorization header of the subject token is not a SigV4 signature.")
    if authorization["region"] != region:
        raise _refused("The signature's region is not that of the subject token's URL.")
    signed = set(authorization["signed"].split(";"))
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} & headers.keys())
    if missing := (needed - signed) | (signed - headers.keys()):
        raise _refused(f"Headers are missing or not signed: {', '.join(sorted(missing))}.")
    if headers["host"] != urlsplit(request["url"]).netloc:
        raise _refused("The host header is not the host of the URL.")
    if headers.get("x-goog-cloud-target-resource") != audience:
        raise _refused("x-goog-cloud-target-resource is not the audience of the request.")
    _check_date(headers["x-amz-date"], authorization["day"], now or datetime.now(UTC))
    return str(authorization["key"])


def _parse(token: str) -> dict[str, Any]:
    """Return the request that a token is, its headers by lower-case name."""
    try:
        request = json.loads(unquote(token))
        headers = {each["key"].lower(): str(each["value"]) for each in request["headers"]}
        whole = {"url": str(request["url"]), "method": request["method"], "headers": headers}
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise _refused("Unable to parse the subject token.") from exc
    if whole["method"] != "POST":
        raise _refused("The method of the subject token must be POST.")
    return whole


def _region(request: dict[str, Any]) -> str:
    parts = urlsplit(request["url"])
    host = _HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or host is None or parts.path not in {"", "/"}:
        raise _refused("The URL of the subject token is not one of AWS STS.")
    if parse_qs(parts.query) != _QUERY:
        raise _refused("The subject token must ask for GetCallerIdentity, version 2011-06-15.")
    return host[1] or _GLOBAL_REGION


def _check_date(date: str, day: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as exc:
        raise _refused("x-amz-date is no date.") from exc
    if abs(now - moment) > MAX_CLOCK_SKEW or not date.startswith(day):
        raise _refused("The signature of the subject token has expired.")


def _refused(message: str) -> Refusal:
    return Refusal(400, "invalid_grant", message)
