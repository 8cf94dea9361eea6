"""The composition root of the worker: its use case, and the providers that it orders from.

Apart from `bootstrap`, because no other role needs any of it. A provider's family is imported when
the first order, or the first job, needs it.
"""

import random
import threading
from functools import cache
from typing import TYPE_CHECKING

import httpx

from videoapi.aws.forecasts import ForecastStore
from videoapi.aws.route_rests import RouteRests
from videoapi.bootstrap import (
    aws_credentials,
    clock,
    fetcher,
    files,
    logger,
    queue,
    region,
    secrets,
    settings,
    store,
    tls,
    webhooks_queue,
)
from videoapi.metrics import Metrics
from videoapi.net.http_client import OrderTransport
from videoapi.providers.registry import ProviderParts, Providers
from videoapi.worker.delivery import Delivery
from videoapi.worker.generation import Generation
from videoapi.worker.lease import run_heartbeat
from videoapi.worker.preparation import OrderBuilder
from videoapi.worker.routing import Routing

if TYPE_CHECKING:
    from videoapi.providers.prompt_optimizer import PromptOptimizer

JITTER = 0.25  # a back-off is up to this share longer than set, never shorter


@cache
def generation() -> Generation:
    """Return the worker's use case."""
    chosen, log, table = settings(), logger(), store(patient=True)
    providers = _providers()
    providers.make_all()  # now, while the function has its full CPU
    return Generation(
        settings=chosen,
        store=table,
        queue=queue(patient=True),
        webhooks=webhooks_queue(patient=True),
        forecasts=ForecastStore(table),
        routing=Routing(
            settings=chosen,
            rests=RouteRests(table),
            provider=providers.get,
            clock=clock,
            log=log,
            metrics=Metrics(),
        ),
        order_builder=OrderBuilder(chosen, files(patient=True), fetcher(), _optimizer()),
        delivery=Delivery(chosen, files(patient=True), fetcher(), log),
        clock=clock,
        sleep=threading.Event.wait,
        jitter=lambda: 1 + random.random() * JITTER,  # noqa: S311 — spreads load, guards nothing
        heartbeat=run_heartbeat,
        log=log,
        metrics=Metrics(),
    )


def _providers() -> Providers:
    parts = ProviderParts(
        settings=settings(),
        transport=OrderTransport(verify=tls()),
        read_secret=secrets(patient=True).read,
        aws_credentials=aws_credentials,
        region=region(),
        clock=clock,
        log=logger(),
    )
    return Providers(parts)


@cache
def _optimizer() -> "PromptOptimizer | None":
    from videoapi.providers.prompt_optimizer import PromptOptimizer  # noqa: PLC0415 — optional

    chosen, keys_of_others = settings(), secrets(patient=True)
    if not (chosen.enable_prompt_optimization and chosen.fast_llm_api_key_secret):
        return None
    return PromptOptimizer(
        httpx.HTTPTransport(verify=tls()),
        api_url=chosen.fast_llm_api_url,
        model=chosen.fast_llm_model,
        key=lambda: keys_of_others.read(chosen.fast_llm_api_key_secret),
        log=logger(),
    )
