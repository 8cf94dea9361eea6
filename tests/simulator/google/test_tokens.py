"""Google's token services: what they take, what they refuse, and what their tokens open."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import web
from tests.support.google_auth import TARGET, subject_token

EMAIL = "video@p-1.iam.gserviceaccount.com"
IMPERSONATE = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
IAM = "https://www.googleapis.com/auth/iam"
MODEL = "projects/p/locations/us-central1/publishers/google/models/veo-3.1-generate-001"


def refusal(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]


def opens(caller, token):
    """Return the status with which Agent Platform answers a token; 400: it was let in."""
    headers = {"authorization": f"Bearer {token}"}
    url = f"{caller.upstream.api}/v1/{MODEL}:predictLongRunning"
    return web.post(url, json={}, headers=headers).status_code


def impersonate(caller, token, **body):
    headers = {"authorization": f"Bearer {token}"}
    wanted = {"delegates": None, "scope": [CLOUD], "lifetime": "3600s"} | body
    return web.post(f"{caller.upstream.api}{IMPERSONATE}", json=wanted, headers=headers)


def test_a_signed_request_is_exchanged(exchange, caller):
    body = exchange().json()
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert opens(caller, body["access_token"]) == 400


def test_the_target_header_may_be_unsigned(exchange):
    token = subject_token(signed="host;x-amz-date;x-amz-security-token")
    assert exchange(token).status_code == 200


BAD = {
    "no JSON": "nonsense",
    "no headers": json.dumps({"url": "https://sts.eu-west-1.amazonaws.com", "method": "POST"}),
    "another method": subject_token(method="GET"),
    "another host": subject_token(url="https://evil.example?Action=GetCallerIdentity"),
    "another action": subject_token(
        url="https://sts.eu-west-1.amazonaws.com?Action=AssumeRole&Version=2011-06-15"
    ),
    "another region": subject_token(
        url="https://sts.us-east-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    ),
    "no signature": subject_token(headers={"Authorization": None}),
    "no host": subject_token(headers={"host": None}),
    "a host unsigned": subject_token(signed=f"x-amz-date;x-amz-security-token;{TARGET}"),
    "a session unsigned": subject_token(signed="host;x-amz-date"),
    "another host header": subject_token(headers={"host": "sts.amazonaws.com"}),
    "no target": subject_token(
        headers={TARGET: None}, signed="host;x-amz-date;x-amz-security-token"
    ),
    "another target": subject_token(headers={TARGET: "//iam.googleapis.com/projects/1"}),
    "a bad date": subject_token(headers={"x-amz-date": "yesterday"}),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_wrong_subject_token_is_an_invalid_grant(exchange, wrong):
    assert refusal(exchange(BAD[wrong])) == "invalid_grant"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_date_off_by_more_than_five_minutes_is_refused(exchange, minutes):
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    assert refusal(exchange(subject_token(moment=moment))) == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grant_type": "password"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"audience": "//iam.googleapis.com/projects/1"}, "invalid_target"),
        ({"scope": "email"}, "invalid_scope"),
    ],
)
def test_a_wrong_form_is_refused_by_name(exchange, change, code):
    assert refusal(exchange(**change)) == code


def test_faults_are_set_by_control_and_counted_anew(exchange, caller):
    for _ in range(2):
        caller.upstream.change(auth_faults="[[sts:503*1]] [[sts:invalid_grant*1@1]]")
        assert exchange().status_code == 503
        assert refusal(exchange()) == "invalid_grant"
        assert exchange().status_code == 200


def test_a_short_token_ends(exchange, caller):
    caller.upstream.change(auth_faults="[[sts:expires=0.05]]")
    token = exchange().json()["access_token"]
    time.sleep(0.06)
    assert opens(caller, token) == 401


def test_a_token_of_iam_alone_opens_impersonation_alone(exchange, caller):
    federated = exchange(scope=IAM).json()["access_token"]
    assert opens(caller, federated) == 403
    body = impersonate(caller, federated, lifetime="600s").json()
    assert opens(caller, body["accessToken"]) == 400
    left = datetime.fromisoformat(body["expireTime"]) - datetime.now(UTC)
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)


def test_impersonation_may_be_denied(exchange, caller):
    federated = exchange(scope=IAM).json()["access_token"]
    caller.upstream.change(auth_faults="[[iam:403]]")
    denied = impersonate(caller, federated)
    assert denied.status_code == 403
    assert denied.json()["error"]["status"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("token", ["made-up", "ya29.simulator.e30.0"])
def test_an_unknown_token_is_unauthenticated(caller, token):
    assert opens(caller, token) == 401


def test_impersonation_needs_scopes(exchange, caller):
    assert impersonate(caller, exchange().json()["access_token"], scope=[]).status_code == 400


def assertion(**changes):
    now = int(time.time())
    claims = {"iss": EMAIL, "scope": CLOUD, "aud": "https://oauth2.googleapis.com/token"}
    claims |= {"iat": now, "exp": now + 3600} | changes
    parts = (json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(claims).encode())
    encoded = (base64.urlsafe_b64encode(p).rstrip(b"=") for p in (*parts, bytes(256)))
    return b".".join(encoded).decode()


def grant(caller, jwt):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": jwt}
    return web.post(f"{caller.upstream.api}/token", data=form)


def test_a_service_accounts_assertion_is_taken(caller):
    assert opens(caller, grant(caller, assertion()).json()["access_token"]) == 400


@pytest.mark.parametrize(
    "jwt",
    ["a.b", assertion(exp=1), assertion(iss="me"), assertion(aud="https://a.example"), ""],
)
def test_a_wrong_assertion_is_an_invalid_grant(caller, jwt):
    assert refusal(grant(caller, jwt)) == "invalid_grant"
