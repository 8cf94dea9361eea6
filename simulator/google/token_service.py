"""Google's token services: STS's exchange, IAM's impersonation, OAuth's service accounts.

Their requests carry no prompt: `auth_faults` of the settings has the tokens that decide them.
"""

import base64
import json
import re
import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import faults
from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.google import access_tokens, subject_token
from simulator.google.access_tokens import CLOUD_PLATFORM, IAM
from simulator.google.errors import answering, body, oauth_body
from simulator.google.json_body import read_object, rfc3339
from simulator.http_faults import HttpFaults
from simulator.orders import VERTEX
from simulator.state import State

TOKEN_SECONDS: Final = 3600
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type, not a token
_EXCHANGE: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": _ACCESS_TOKEN,
    "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
}
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE: Final = re.compile(
    r"//iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}"
    r"/providers/[a-z0-9-]{4,32}"
)
_EMAIL: Final = re.compile(r"[a-z0-9-]+@[a-z0-9-]+\.iam\.gserviceaccount\.com")
_LIFETIME: Final = re.compile(r"(\d{1,5})s")
_RSA_2048_BYTES: Final = 256


class TokenService:
    """Three services at one origin. Handlers raise Refusal."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        impersonate = "/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        return [
            Route("/v1/token", answering(self.exchange, oauth_body), methods=["POST"]),
            Route("/token", answering(self.service_account, oauth_body), methods=["POST"]),
            Route(impersonate, answering(self.impersonate), methods=["POST"]),
        ]

    async def exchange(self, request: Request) -> Response:
        """Take AWS's signed request for a token (RFC 8693)."""
        form = await _form(request)
        bad, seconds = await self._decide(Stage.STS, request)
        if bad:
            return bad
        for name, value in _EXCHANGE.items():
            if form.get(name) != value:
                raise Refusal(400, "invalid_request", f"Invalid value for {name}.")
        audience, scope = form.get("audience", ""), form.get("scope", "")
        if not _AUDIENCE.fullmatch(audience):
            raise Refusal(400, "invalid_target", "The target service indicated by audience is bad.")
        if scope not in {CLOUD_PLATFORM, IAM}:
            raise Refusal(400, "invalid_scope", "The scope is not valid.")
        key = subject_token.check(form.get("subject_token", ""), audience)
        return JSONResponse(
            {
                "access_token": access_tokens.issue(f"aws:{key}", (scope,), seconds),
                "issued_token_type": _ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": int(seconds),
            }
        )

    async def service_account(self, request: Request) -> Response:
        """Take a service account's own assertion for a token (RFC 7523)."""
        form = await _form(request)
        bad, seconds = await self._decide(Stage.STS, request)
        if bad:
            return bad
        if form.get("grant_type") != _JWT_BEARER:
            raise Refusal(400, "unsupported_grant_type", "Invalid grant_type")
        claims = _assertion(form.get("assertion", ""))
        return JSONResponse(
            {
                "access_token": access_tokens.issue(
                    claims["iss"], tuple(claims["scope"].split()), seconds
                ),
                "expires_in": int(seconds),
                "token_type": "Bearer",
            }
        )

    async def impersonate(self, request: Request) -> Response:
        """Take a token of the exchange for a service account's."""
        wanted = await read_object(request)
        bad, seconds = await self._decide(Stage.IAM, request)
        if bad:
            return bad
        access_tokens.require(request, IAM)
        email = request.path_params["email"]
        if not _EMAIL.fullmatch(email):
            raise Refusal(404, "not_found", "Not found; Gaia id not found for email.")
        scopes = wanted.get("scope")
        lifetime = _LIFETIME.fullmatch(str(wanted.get("lifetime", f"{TOKEN_SECONDS}s")))
        if not isinstance(scopes, list) or not scopes or lifetime is None:
            raise Refusal(400, "invalid", "Request contains an invalid argument.")
        seconds = min(seconds, int(lifetime[1]))
        return JSONResponse(
            {
                "accessToken": access_tokens.issue(email, tuple(map(str, scopes)), seconds),
                "expireTime": rfc3339(time.time() + seconds),
            }
        )

    async def _decide(self, stage: Stage, request: Request) -> tuple[Response | None, float]:
        """Count a call; return the response of its fault, if any, and a new token's seconds."""
        ledger = self._state.ledger
        ledger.count(VERTEX, "tokens")
        plan = faults.parse(self._state.settings.auth_faults, VERTEX)
        fault = ledger.count_visit(stage, plan)
        http_faults = HttpFaults(oauth_body if stage is Stage.STS else body, self._state.stopping)
        bad = await http_faults.response(fault, plan, request)
        short = fault is not None and fault.what == "expires" and fault.number is not None
        return bad, fault.number or 0 if fault and short else TOKEN_SECONDS


async def _form(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _assertion(token: str) -> dict[str, Any]:
    """Return the claims of an assertion; its signature cannot be verified without the key."""
    try:
        header, claims, signature = (_unpadded(part) for part in token.split("."))
        payload, head = json.loads(claims), json.loads(header)
        fits = head["alg"] == "RS256" and len(signature) >= _RSA_2048_BYTES
        lasts = (
            0 < payload["exp"] - payload["iat"] <= TOKEN_SECONDS and payload["exp"] > time.time()
        )
        fits = fits and lasts and _EMAIL.fullmatch(payload["iss"]) is not None
        fits = fits and bool(payload["scope"]) and payload["aud"].endswith("/token")
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise Refusal(400, "invalid_grant", "Invalid JWT: it cannot be read.") from exc
    if not fits:
        message = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
        raise Refusal(400, "invalid_grant", f"{message}timeframe.")
    return dict(payload)


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
