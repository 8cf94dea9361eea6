"""Access tokens of Google's: made from the worker's own AWS role, or from a service account's key.

google-auth makes them: the workload identity federation of AWS (a signed GetCallerIdentity that
Google sends), the impersonation of a service account, and the grant to a service account's key.
Tokens stay in memory, are logged nowhere, and go to the origins of the settings alone.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Protocol, cast

import google.auth.transport
import httpx
from google.auth import aws, exceptions
from google.oauth2 import service_account

from videoapi.errors import ServiceError
from videoapi.net.http_client import FAILURES, chunks
from videoapi.providers.errors import PollFailed
from videoapi.redaction import redact

SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_SUBJECT_TOKEN_TYPE: Final = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 — a type
_EARLY: Final = 300.0  # seconds before its end that a token is renewed: more than an order takes
_SHORT: Final = 0.5  # of its life, for one that lives less than that
_MAX_ANSWER: Final = 2**20  # bytes
_SECONDS: Final = 20.0  # for one answer of the token service


class AwsCredentials(Protocol):
    """What botocore's frozen credentials are."""

    @property
    def access_key(self) -> str | None:
        """The id of the key."""

    @property
    def secret_key(self) -> str | None:
        """What signs; it is sent nowhere."""

    @property
    def token(self) -> str | None:
        """The session's token, of a role."""


class GoogleCredentials(Protocol):
    """What google-auth's credentials are to this module."""

    token: str | None
    expiry: datetime  # UTC, without saying so

    def refresh(self, request: google.auth.transport.Request) -> None:
        """Get a token. Raise `GoogleAuthError`, and others for an answer out of the ordinary."""


class _WorkerRole(aws.AwsSecurityCredentialsSupplier):  # type: ignore[misc] # no types
    """Hands the role's credentials of this moment on: botocore renews them, wherever they lie."""

    def __init__(self, credentials: Callable[[], AwsCredentials], region: str) -> None:
        self._credentials = credentials
        self._region = region

    def get_aws_security_credentials(
        self,
        context: object,  # noqa: ARG002 — google-auth's signature
        request: object,  # noqa: ARG002
    ) -> aws.AwsSecurityCredentials:
        found = self._credentials()
        return aws.AwsSecurityCredentials(found.access_key, found.secret_key, found.token)

    def get_aws_region(self, context: object, request: object) -> str:  # noqa: ARG002
        return self._region


def workload_identity(
    provider: str,
    *,
    credentials: Callable[[], AwsCredentials],
    region: str,
    account: str = "",
    sts_url: str,
    iam_url: str,
) -> GoogleCredentials:
    """Return credentials of an AWS role, for `provider`, the name of a workload identity provider.

    `account` is the service account to impersonate, if any. Nothing is asked for yet.
    """
    impersonation = f"{iam_url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    made = aws.Credentials(
        audience=f"//iam.googleapis.com/{provider}",
        subject_token_type=_SUBJECT_TOKEN_TYPE,
        token_url=sts_url,
        aws_security_credentials_supplier=_WorkerRole(credentials, region),
        service_account_impersonation_url=impersonation if account else None,
        scopes=SCOPES,
    )
    return cast("GoogleCredentials", made)


def service_account_key(text: str) -> GoogleCredentials:
    """Return the credentials of a service account's JSON. Raise `PollFailed` for anything else."""
    try:
        made = service_account.Credentials.from_service_account_info(
            json.loads(text), scopes=SCOPES
        )
    except (exceptions.GoogleAuthError, ValueError, TypeError, AttributeError) as exc:
        raise _refused("the secret holds no service account's JSON") from exc
    return cast("GoogleCredentials", made)


class AccessTokens:
    """One access token, cached, renewed before its end; for several threads."""

    def __init__(
        self,
        load: Callable[[], GoogleCredentials],
        transport: httpx.BaseTransport,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`load` returns google-auth's credentials and may raise `ServiceError`."""
        self._load = load
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = self._ends_at = 0.0

    def token(self) -> str:
        """Return a token that still holds for minutes.

        Raise `PollFailed` where Google gives none, with status 401 where that is for good, and
        another `ServiceError` where the credentials themselves cannot be read.
        """
        with self._lock:
            now = self._clock()
            if now < self._renew_at:
                return self._token
            try:
                return self._renewed(now)
            except ServiceError:
                if now < self._ends_at:
                    return self._token
                raise

    def renewed(self) -> str:
        """Return a new token, for one that was refused before its end; raise as `token` does."""
        with self._lock:
            self._renew_at = self._ends_at = 0.0
            return self._renewed(self._clock())

    def _renewed(self, now: float) -> str:
        credentials, requests = self._load(), _Requests(self._transport)
        try:
            credentials.refresh(requests)
            token, ends_at = str(credentials.token), credentials.expiry.replace(tzinfo=UTC)
        except (exceptions.GoogleAuthError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise _failed(exc, requests.status) from exc
        self._token, self._ends_at = token, ends_at.timestamp()
        life = self._ends_at - now
        self._renew_at = self._ends_at - min(_EARLY, life * _SHORT)
        return token


class _Response(google.auth.transport.Response):  # type: ignore[misc] # no types
    def __init__(self, response: httpx.Response, data: bytes) -> None:
        self._answer = response.status_code, response.headers, data

    status = property(lambda self: self._answer[0])
    headers = property(lambda self: self._answer[1])
    data = property(lambda self: self._answer[2])


class _Requests(google.auth.transport.Request):  # type: ignore[misc] # no types
    """How google-auth sends its requests here: our transport, no redirects, a bound answer."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self.status: int | None = None  # of the last answer

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 — google-auth's signature
        **_: object,
    ) -> _Response:
        self.status = None
        try:
            request = httpx.Request(
                method,
                url,
                content=body,
                headers=dict(headers or {}) | {"accept-encoding": "identity"},
                extensions={"timeout": httpx.Timeout(_SECONDS).as_dict()},
            )
            response = self._transport.handle_request(request)
            try:
                data = b"".join(chunks(response, seconds=_SECONDS, limit=_MAX_ANSWER))
            finally:
                response.close()
        except FAILURES as exc:
            error = exceptions.TransportError(type(exc).__name__)
            raise error from exc
        self.status = response.status_code
        return _Response(response, data)


def _failed(exc: Exception, status: int | None) -> PollFailed:
    """Return why there is no token: refused for good, or not to be had just now."""
    later = status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if later or status in (HTTPStatus.OK, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        message = f"Google gives no access token just now ({status or 'no answer'})"
        return PollFailed(message, upstream_status=status)
    return _refused(redact(str(exc.args[0] if exc.args else "")))


def _refused(reason: str) -> PollFailed:
    """Return an error that ends a task as one of the account, not one that waits."""
    failure = PollFailed(f"Google refuses an access token: {reason}", upstream_status=401)
    failure.retryable = False
    return failure
