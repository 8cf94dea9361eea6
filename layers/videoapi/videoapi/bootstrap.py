"""The composition root: the only place that reads the environment and makes clients.

Everything is made once per execution environment and only by the roles that need it: imports of
httpx, S3 and Secrets Manager stand inside the functions, because submit and status pay for none.
"""

import logging
import os
import ssl
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from boto3.session import Session
from botocore.credentials import ReadOnlyCredentials

from videoapi.accounts.api_keys import ApiKeyStore
from videoapi.aws.clients import Service, credentials, new_client
from videoapi.aws.files import FileStore
from videoapi.aws.forecasts import CachedForecast, ForecastStore
from videoapi.aws.presigned import UrlSigner
from videoapi.aws.table import MORE_PATIENCE_SECONDS, PATIENCE_SECONDS
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.metrics import Metrics
from videoapi.settings import Settings

if TYPE_CHECKING:
    from videoapi.accounts.rate_limits import Limiter
    from videoapi.api.application import Api
    from videoapi.aws.secrets import SecretTexts
    from videoapi.net.downloads import Fetcher
    from videoapi.usecases.cancellation import Cancellation
    from videoapi.usecases.image_generation import ImageGeneration, MakeImage
    from videoapi.usecases.submission import Submissions
    from videoapi.webhooks.reminders import Reminders
    from videoapi.worker.recovery import Recovery


def clock() -> float:
    """Return epoch seconds."""
    return time.time()


@cache
def settings() -> Settings:
    """Return the function's environment as a value."""
    return Settings.from_environment(os.environ)


@cache
def logger() -> Logger:
    """Return the structured logger (name and level from POWERTOOLS_* variables).

    Lambda's JSON logging sets the root logger to INFO, where httpx writes whole URLs, signed ones
    included: everybody else's lines begin at WARNING.
    """
    logging.getLogger().setLevel(logging.WARNING)
    return Logger()


def api(*, public: bool = False, bearer_alone: bool = False, key_later: bool = False) -> "Api":
    """Return the HTTP side of a handler; each makes its own and adds its routes.

    A `public` one asks nobody for a key, and needs no client for them (0.3 G instructions).
    A `bearer_alone` one takes no key from `X-API-Key`; one of `key_later` asks in its routes.
    """
    from videoapi.api.application import Api  # noqa: PLC0415 — 169 M for the resolver, API roles only

    ring = None if public else keys()
    return Api(settings(), ring, logger(), clock, bearer_alone=bearer_alone, key_later=key_later)


@cache
def keys() -> ApiKeyStore:
    """Return the API keys."""
    return ApiKeyStore(_client("dynamodb", patient=False), settings().table_name, clock)


@cache
def store(*, patient: bool = False) -> TaskStore:
    """Return the task table; `patient` for those whom nobody waits for."""
    patience = MORE_PATIENCE_SECONDS if patient else PATIENCE_SECONDS
    client = _client("dynamodb", patient=patient)
    return TaskStore(client, settings().table_name, patience=patience)


@cache
def queue(*, patient: bool = False) -> TaskQueue:
    """Return the queue of task ids."""
    return TaskQueue(_client("sqs", patient=patient), settings().queue_url)


@cache
def webhooks_queue(*, patient: bool = False) -> TaskQueue:
    """Return the queue of ended tasks that owe an event."""
    return TaskQueue(_client("sqs", patient=patient), settings().webhooks_queue_url)


@cache
def files(*, patient: bool = False) -> FileStore:
    """Return the bucket; its client is made at the first use, which many requests never come to.

    The `patient` worker always does, and has its full CPU at init alone: there it is made at once.
    """
    client = cache(lambda: _client("s3", patient=patient))
    if patient:
        client()
    return FileStore(client, settings().bucket_name)


@cache
def links() -> UrlSigner:
    """Return the maker of presigned links; needs no S3 client."""
    return UrlSigner(
        lambda: credentials(_session()),
        bucket=settings().bucket_name,
        region=region(),
        endpoint=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
        seconds=settings().presigned_url_seconds,
        file_days=settings().file_retention_days,
    )


@cache
def submissions() -> "Submissions":
    """Return the use case of submitting."""
    from videoapi.usecases.input_images import InputImages  # noqa: PLC0415 — for submit alone
    from videoapi.usecases.submission import Submissions  # noqa: PLC0415

    chosen = settings()
    private = chosen.image_url_allow_private
    return Submissions(
        store=store(),
        queue=queue(),
        images=InputImages(files=files(), links=links(), allow_private=private),
        limiter=limiter(),
        metrics=Metrics(),
        routes=chosen.routes,
        strict_lengths=chosen.veo3_strict_lengths,
        relay_price_micros=chosen.relay_price_micros,
        private_webhooks=chosen.webhook_allow_private,
        daily_budget=chosen.daily_budget_micros,
    )


@cache
def cancellation() -> "Cancellation":
    """Return the use cases of cancelling and deleting."""
    from videoapi.usecases.cancellation import Cancellation  # noqa: PLC0415 — two roles

    return Cancellation(
        store=store(),
        queue=queue(),
        webhooks=webhooks_queue(),
        files=files(),
        retention_seconds=settings().task_retention_hours * 3600,
        clock=clock,
        metrics=Metrics(),
    )


@cache
def forecasts() -> CachedForecast:
    """Return the forecast for those whom callers wait for."""
    return CachedForecast(ForecastStore(store()), clock)


@cache
def recovery() -> "Recovery":
    """Return the use cases of the sweeper and of dead letters."""
    from videoapi.worker.recovery import Recovery  # noqa: PLC0415 — two roles

    adapters = store(patient=True), queue(patient=True), webhooks_queue(patient=True)
    return Recovery(settings(), *adapters, clock=clock, metrics=Metrics(), log=logger())


@cache
def reminders() -> "Reminders":
    """Return the sweeper's part in the delivery of events."""
    from videoapi.webhooks.reminders import Reminders  # noqa: PLC0415 — one role

    return Reminders(store(patient=True), webhooks_queue(patient=True), clock, logger())


@cache
def image_generation() -> "ImageGeneration":
    """Return the use case of making an input image."""
    from videoapi.usecases.image_generation import ImageGeneration  # noqa: PLC0415 — as above

    return ImageGeneration(
        make=_make_image(),
        files=files(),
        links=links(),
        limiter=limiter(),
        model=settings().image_model,
        allowed_models=settings().image_allowed_models,
    )


def _make_image() -> "MakeImage | None":
    import httpx  # noqa: PLC0415 — as above

    from videoapi.providers.openai_images import OpenAIImages  # noqa: PLC0415 — as above

    chosen = settings()
    if not (chosen.image_base_url and chosen.image_api_key_secret):
        return None
    return OpenAIImages(
        transport=httpx.HTTPTransport(verify=tls()),
        fetcher=fetcher(),
        base_url=chosen.image_base_url,
        key=lambda: secrets().read(chosen.image_api_key_secret),
    ).make


@cache
def limiter() -> "Limiter":
    """Return what holds keys to their limits."""
    from videoapi.accounts.rate_limits import Limiter  # noqa: PLC0415 — for those who spend money

    return Limiter(store())


@cache
def secrets(*, patient: bool = False) -> "SecretTexts":
    """Return the keys of other services."""
    from videoapi.aws.secrets import SecretTexts  # noqa: PLC0415 — 43 M, and boto3 with it

    return SecretTexts(_client("secretsmanager", patient=patient), logger())


@cache
def fetcher() -> "Fetcher":
    """Return what fetches images and videos from public addresses."""
    from videoapi.net.downloads import Fetcher  # noqa: PLC0415 — httpx again
    from videoapi.net.pinned_transport import PinnedTransport  # noqa: PLC0415

    base = settings().veo3_base_url
    return Fetcher(
        allow_private=settings().image_url_allow_private,
        trusted_origins=(base, *settings().veo3_result_origins),
        transport=PinnedTransport(tls()),
    )


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context of all of httpx: its CA bundle costs 0.2 G to read."""
    import httpx  # noqa: PLC0415 — 71 M instructions

    return httpx.create_ssl_context()


def region() -> str:
    """Return the AWS region of this function."""
    return _session().region_name or "us-east-1"


def aws_credentials() -> ReadOnlyCredentials:
    """Return the role's credentials of this moment. Raise `ServiceError` where there are none."""
    return credentials(_session()).get_frozen_credentials()


@cache
def _session() -> Session:
    return Session()


@cache
def _client(service: Service, *, patient: bool) -> Any:  # noqa: ANN401 — each service has a class
    logger()  # first, or botocore tells where its credentials come from, at each cold start
    return new_client(_session(), service, patient=patient)
