"""Make a provider from the settings; only its own family is imported.

Google's code and its libraries are loaded by a worker that lists one of its providers, and by
nobody else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import httpx
from aws_lambda_powertools import Logger

from videoapi.providers.provider import VideoProvider
from videoapi.settings import Settings

if TYPE_CHECKING:
    from videoapi.providers.google.access_tokens import AwsCredentials, GoogleCredentials


class ReadSecret(Protocol):
    """Reads a secret by its name; `fresh` past any cache. Raises `ServiceError`."""

    def __call__(self, name: str, *, fresh: bool = False) -> str:
        """Return the secret's text."""


@dataclass(frozen=True, kw_only=True)
class ProviderParts:
    """What providers are made of. `transport` should be an `OrderTransport`.

    `aws_credentials` returns the role's credentials of this moment and may raise `ServiceError`.
    """

    settings: Settings
    transport: httpx.BaseTransport
    read_secret: ReadSecret
    aws_credentials: "Callable[[], AwsCredentials]"
    region: str
    clock: Callable[[], float]
    log: Logger


class Providers:
    """The providers of one environment, each made once and kept."""

    def __init__(self, parts: ProviderParts) -> None:
        self._parts = parts
        self._made: dict[tuple[str, str | None], VideoProvider] = {}

    def make_all(self) -> None:
        """Make those in use. Raise `ValueError` in words for one without credentials."""
        for name in self._parts.settings.video_providers:
            require_credentials(name, self._parts.settings)
            self.get(name)

    def get(self, name: str, address: str | None = None) -> VideoProvider:
        """Return a provider where the settings say, or at the `address` of an older job."""
        if address and name in self._parts.settings.video_providers:
            address = None if self.get(name).address == address else address
        if (name, address) not in self._made:
            self._made[name, address] = make_provider(name, self._parts, address)
        return self._made[name, address]


def make_provider(name: str, parts: ProviderParts, address: str | None = None) -> VideoProvider:
    """Return the provider of a name in VIDEO_PROVIDERS.

    `address` is where an older job was accepted: None is where the settings say. Raise `ValueError`
    for a name that is none, and for a URL that is none.
    """
    if name not in _MAKERS:
        raise ValueError(f"there is no provider {name!r}")
    return _MAKERS[name](parts, address)


def require_credentials(name: str, settings: Settings) -> None:
    """Raise `ValueError` in words if a provider in use has no credentials.

    Only the worker knows them: no other function can be held to this.
    """
    if name == "gemini" and not settings.gemini_api_key_secret:
        raise ValueError("VIDEO_PROVIDERS: gemini needs GEMINI_API_KEY_SECRET")
    if name != "vertex":
        return
    if not settings.google_project:
        raise ValueError("VIDEO_PROVIDERS: vertex needs GOOGLE_PROJECT")
    if bool(settings.google_workload_identity_provider) == bool(settings.google_credentials_secret):
        raise ValueError(
            "VIDEO_PROVIDERS: vertex needs one of GOOGLE_WORKLOAD_IDENTITY_PROVIDER and"
            " GOOGLE_CREDENTIALS_SECRET"
        )


def _relay(parts: ProviderParts, address: str | None) -> VideoProvider:
    from videoapi.providers.openai_compatible.client import RelayProvider  # noqa: PLC0415 — see above
    from videoapi.providers.openai_compatible.link_policy import LinkPolicy  # noqa: PLC0415

    settings = parts.settings
    base_url, endpoint = settings.veo3_base_url, settings.veo3_endpoint
    if address is not None:
        place = urlsplit(address)
        base_url, endpoint = f"{place.scheme}://{place.netloc}", place.path
    key = partial(parts.read_secret, settings.veo3_api_key_secret)
    return RelayProvider(
        parts.transport,
        base_url=base_url,
        endpoint=endpoint,
        key=key,
        renewed_key=partial(key, fresh=True),
        links=LinkPolicy(
            (base_url, *settings.veo3_result_origins),
            allow_private=settings.image_url_allow_private,
        ),
        log=parts.log,
    )


def _vertex(parts: ProviderParts, address: str | None) -> VideoProvider:
    from videoapi.providers.google.access_tokens import AccessTokens  # noqa: PLC0415 — google-auth: 0.4 s
    from videoapi.providers.google.vertex import VertexProvider  # noqa: PLC0415

    settings = parts.settings
    tokens = AccessTokens(partial(_google_credentials, parts), parts.transport, clock=parts.clock)
    base_url, project, location = (
        settings.vertex_base_url,
        settings.google_project,
        settings.google_location,
    )
    if address is not None:
        base_url, _, place = address.partition("/v1/projects/")
        project, _, location = place.partition("/locations/")
    return VertexProvider(
        parts.transport,
        project=project,
        location=location,
        token=tokens.token,
        renewed_token=tokens.renewed,
        base_url=base_url,
        storage_url=settings.google_storage_url,
        log=parts.log,
    )


def _google_credentials(parts: ProviderParts) -> "GoogleCredentials":
    """Return the identity that tokens are asked for with; a secret is read at each renewal."""
    from videoapi.providers.google.access_tokens import (  # noqa: PLC0415 — as above
        service_account_key,
        workload_identity,
    )

    settings = parts.settings
    if settings.google_credentials_secret:
        return service_account_key(parts.read_secret(settings.google_credentials_secret))
    return workload_identity(
        settings.google_workload_identity_provider,
        credentials=parts.aws_credentials,
        region=parts.region,
        account=settings.google_service_account,
        sts_url=settings.google_sts_url,
        iam_url=settings.google_iam_url.rstrip("/"),
    )


def _gemini(parts: ProviderParts, address: str | None) -> VideoProvider:
    from videoapi.providers.google.gemini import GeminiProvider  # noqa: PLC0415 — as above

    settings = parts.settings
    key = partial(parts.read_secret, settings.gemini_api_key_secret)
    return GeminiProvider(
        parts.transport,
        key=key,
        renewed_key=partial(key, fresh=True),
        base_url=address or settings.gemini_base_url,
        trusted_origins=settings.veo3_result_origins,
        log=parts.log,
    )


_MAKERS = {"relay": _relay, "vertex": _vertex, "gemini": _gemini}
