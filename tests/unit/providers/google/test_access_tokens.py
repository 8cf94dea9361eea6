"""Google's access tokens: made without a key file, kept until shortly before their end."""

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.fake_google import Google, answer
from videoapi.errors import ServiceError
from videoapi.providers.errors import PollFailed
from videoapi.providers.google.access_tokens import (
    AccessTokens,
    service_account_key,
    workload_identity,
)

PROVIDER = "projects/123456789/locations/global/workloadIdentityPools/aws/providers/aws"
STS = "https://sts.example/v1/token"
IAM = "https://iam.example"
ROBOT = "robot@my-project.iam.gserviceaccount.com"
NOON = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
ROLE = SimpleNamespace(
    access_key="AKIDEXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    token="SESSION/TOKEN==",
)


class Clock:
    def __init__(self):
        self.now = dt.datetime.now(dt.UTC).timestamp()

    def __call__(self):
        return self.now


def identity(**changes):
    known = {
        "credentials": lambda: ROLE,
        "region": "eu-west-1",
        "sts_url": STS,
        "iam_url": IAM,
    }
    return workload_identity(PROVIDER, **(known | changes))


def tokens(google, clock=None, load=identity):
    return AccessTokens(load, httpx.MockTransport(google), clock=clock or Clock())


def granted(token="ya29.first", seconds=3600):
    return answer({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


def subject_of(request):
    (token,) = parse_qs(request.content.decode())["subject_token"]
    return json.loads(unquote(token))


def test_the_role_is_proven_by_a_request_that_google_sends():
    google_ = Google(granted())
    assert tokens(google_).token() == "ya29.first"
    (request,) = google_.requests
    assert (request.method, str(request.url)) == ("POST", STS)
    form = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
    form.pop("subject_token")
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{PROVIDER}",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
    }


def test_the_proof_is_signed_as_aws_signs(monkeypatch):
    """A vector that botocore's signer makes as well, at noon of 2026-11-26."""
    monkeypatch.setattr(
        "google.auth._helpers.utcnow", lambda: NOON.replace(tzinfo=None), raising=True
    )
    google_ = Google(granted())
    tokens(google_).token()
    proof = subject_of(google_.requests[0])
    headers = {each["key"].lower(): each["value"] for each in proof["headers"]}
    assert proof["method"] == "POST"
    assert proof["url"] == (
        "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    )
    assert headers.pop("authorization") == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/eu-west-1/sts/aws4_request,"
        " SignedHeaders=host;x-amz-date;x-amz-security-token,"
        " Signature=cd3b48877fa34e06293459f6e467b7331514ec615245e5927bf667d2e0c6ec1e"
    )
    assert headers == {
        "host": "sts.eu-west-1.amazonaws.com",
        "x-amz-date": "20261126T120000Z",
        "x-amz-security-token": "SESSION/TOKEN==",
        "x-goog-cloud-target-resource": f"//iam.googleapis.com/{PROVIDER}",
    }
    assert ROLE.secret_key not in json.dumps(proof)


def test_a_service_account_is_impersonated_where_one_is_named():
    end = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    google_ = Google(
        granted("ya29.federated"), answer({"accessToken": "ya29.robot", "expireTime": end})
    )
    assert tokens(google_, load=lambda: identity(account=ROBOT)).token() == "ya29.robot"
    federated, impersonated = google_.requests
    assert parse_qs(federated.content.decode())["scope"] == ["https://www.googleapis.com/auth/iam"]
    assert (
        str(impersonated.url) == f"{IAM}/v1/projects/-/serviceAccounts/{ROBOT}:generateAccessToken"
    )
    assert impersonated.headers["authorization"] == "Bearer ya29.federated"
    assert json.loads(impersonated.content)["lifetime"] == "3600s"


@pytest.fixture(scope="module")
def key_file():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account",
            "client_email": ROBOT,
            "private_key": pem,
            "private_key_id": "k1",
            "token_uri": STS,
        }
    )


def test_a_key_file_is_exchanged_for_a_token(key_file):
    google_ = Google(granted("ya29.of-a-key"))
    assert tokens(google_, load=lambda: service_account_key(key_file)).token() == "ya29.of-a-key"
    form = parse_qs(google_.requests[0].content.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert "PRIVATE" not in google_.requests[0].content.decode()


@pytest.mark.parametrize("text", ["", "{}", "[]", "sk-key", '{"client_email":"a","token_uri":"b"}'])
def test_a_secret_that_is_no_key_file_is_an_account_error(text):
    with pytest.raises(PollFailed) as refused:
        tokens(Google(granted()), load=lambda: service_account_key(text)).token()
    assert (refused.value.unauthorised, refused.value.retryable) == (True, False)


def test_a_token_is_kept_until_five_minutes_before_its_end():
    clock, google_ = Clock(), Google(granted("ya29.first"), granted("ya29.second", 7200))
    of_google = tokens(google_, clock)
    for seconds in (0, 3000, 290):
        clock.now += seconds
        assert of_google.token() == "ya29.first"
    clock.now += 20
    assert of_google.token() == "ya29.second"
    assert len(google_.requests) == 2


def test_a_short_token_is_kept_for_half_of_its_life():
    clock, google_ = Clock(), Google(granted("ya29.a", 60), granted("ya29.b", 3600))
    of_google = tokens(google_, clock)
    assert of_google.token() == "ya29.a"
    clock.now += 25
    assert of_google.token() == "ya29.a"
    clock.now += 10
    assert of_google.token() == "ya29.b"


def test_a_token_that_still_holds_outlasts_an_outage():
    clock, google_ = Clock(), Google(granted(), answer({}, 503))
    of_google = tokens(google_, clock)
    of_google.token()
    clock.now += 3500
    assert of_google.token() == "ya29.first"
    clock.now += 200
    with pytest.raises(ServiceError):
        of_google.token()


def test_a_refused_token_is_replaced():
    of_google = tokens(Google(granted("ya29.a"), granted("ya29.b"), answer({}, 503)))
    assert (of_google.token(), of_google.renewed(), of_google.token()) == (
        "ya29.a",
        "ya29.b",
        "ya29.b",
    )
    with pytest.raises(ServiceError):
        of_google.renewed()


def test_threads_that_need_a_token_at_once_get_one():
    google_ = Google(granted())
    of_google = tokens(google_)
    together = threading.Barrier(8)

    def ask(_):
        together.wait(10)
        return of_google.token()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"ya29.first"}
    assert len(google_.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        answer({"error": "x"}, 500),
        answer({"error": "x"}, 503),
        answer({"error": "x"}, 429),
        answer({"error": "x"}, 408),
        answer(b"<html>"),
        answer({"access_token": "x"}),
        answer([]),
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
    ],
)
def test_a_token_that_cannot_be_had_now_is_waited_for(response):
    with pytest.raises(PollFailed) as away:
        tokens(Google(response)).token()
    assert (away.value.unauthorised, away.value.retryable) == (False, True)


@pytest.mark.parametrize(
    "response",
    [
        answer({"error": "invalid_grant", "error_description": "The audience differs"}, 400),
        answer({"error": "access_denied"}, 403),
        answer(b"<html>", 404),
        answer({}, 302, location="https://elsewhere.example/"),
    ],
)
def test_a_token_that_google_refuses_is_an_account_error(response):
    google_ = Google(response)
    with pytest.raises(PollFailed) as refused:
        tokens(google_).token()
    assert (refused.value.unauthorised, refused.value.retryable) == (True, False)
    assert len(google_.requests) == 1


def test_refused_impersonation_is_an_account_error_too():
    google_ = Google(
        granted("ya29.federated-secret"), answer({"quoted": "ya29.federated-secret"}, 403)
    )
    with pytest.raises(PollFailed) as refused:
        tokens(google_, load=lambda: identity(account=ROBOT)).token()
    assert refused.value.unauthorised
    assert "ya29" not in str(refused.value)


def test_a_role_that_cannot_be_read_is_waited_for():
    def none():
        raise ServiceError("This function has no AWS credentials.")

    with pytest.raises(ServiceError, match="no AWS credentials"):
        tokens(Google(granted()), load=lambda: identity(credentials=none)).token()
