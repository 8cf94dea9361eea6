"""The composition root of the worker: its use case, and the providers that it orders from.

Apart from `bootstrap`, because no other role needs any of it. A provider's family is imported when
the first order, or the first job, needs it.
"""

import random
import threading
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from videoapi.aws.route_rests import RouteRests
from videoapi.bootstrap import clock, fetcher, files, logger, queue, secrets, settings, store, tls
from videoapi.catalog.routes import RELAY
from videoapi.metrics import Metrics
from videoapi.net.http_client import OrderTransport
from videoapi.worker.delivery import Delivery
from videoapi.worker.generation import Generation
from videoapi.worker.lease import run_heartbeat
from videoapi.worker.preparation import OrderBuilder
from videoapi.worker.routing import Routing

if TYPE_CHECKING:
    from videoapi.providers.prompt_optimizer import PromptOptimizer
    from videoapi.providers.provider import VideoProvider

JITTER = 0.25  # a back-off is up to this share longer than set, never shorter


@cache
def generation() -> Generation:
    """Return the worker's use case."""
    chosen, log, table = settings(), logger(), store(patient=True)
    for name in chosen.video_providers:
        provider(name)  # now, while the function has its full CPU
    return Generation(
        settings=chosen,
        store=table,
        queue=queue(patient=True),
        routing=Routing(
            settings=chosen,
            rests=RouteRests(table),
            provider=provider,
            clock=clock,
            log=log,
            measurements=Metrics(),
        ),
        order_builder=OrderBuilder(chosen, files(patient=True), fetcher(), _optimizer()),
        delivery=Delivery(chosen, files(patient=True), fetcher(), log),
        clock=clock,
        sleep=threading.Event.wait,
        jitter=lambda: 1 + random.random() * JITTER,  # noqa: S311 — spreads load, guards nothing
        heartbeat=run_heartbeat,
        log=log,
        measurements=Metrics(),
    )


def provider(name: str, address: str | None = None) -> "VideoProvider":
    """Return a provider by name, where the settings say, or at the `address` of an older job.

    Raise `ValueError` for a name that is none.
    """
    usual = _provider(name, None)
    return usual if address in (None, usual.address) else _provider(name, address)


@cache
def _provider(name: str, address: str | None) -> "VideoProvider":
    if name == RELAY:
        return _relay(address)
    message = f"there is no provider {name!r}"
    raise ValueError(message)


def _relay(address: str | None) -> "VideoProvider":
    from videoapi.providers.openai_compatible.client import RelayProvider  # noqa: PLC0415 — a family
    from videoapi.providers.openai_compatible.link_policy import LinkPolicy  # noqa: PLC0415

    chosen, texts = settings(), secrets(patient=True)
    base_url, endpoint = chosen.veo3_base_url, chosen.veo3_endpoint
    if address is not None:
        place = urlsplit(address)
        base_url, endpoint = f"{place.scheme}://{place.netloc}", place.path
    return RelayProvider(
        OrderTransport(verify=tls()),
        base_url=base_url,
        endpoint=endpoint,
        key=lambda: texts.read(chosen.veo3_api_key_secret),
        renewed_key=lambda: texts.read(chosen.veo3_api_key_secret, anew=True),
        links=LinkPolicy(
            (base_url, *chosen.veo3_result_origins), allow_private=chosen.image_url_allow_private
        ),
        log=logger(),
    )


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
