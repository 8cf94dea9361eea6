"""The composition root of webhooks: the notifier, the sweeper's reminders, and the test event.

Apart from `bootstrap`, because no other role needs any of it.
"""

import random
from collections.abc import Callable
from functools import cache

from videoapi.accounts.api_keys import ANONYMOUS
from videoapi.accounts.webhook_secrets import WebhookSecrets
from videoapi.bootstrap import clock, links, logger, secrets, settings, store, tls, webhooks_queue
from videoapi.metrics import Metrics
from videoapi.net.callbacks import Callbacks
from videoapi.net.pinned_transport import PinnedTransport
from videoapi.webhooks.delivery import Delivery
from videoapi.webhooks.slow_receivers import SlowReceivers
from videoapi.webhooks.trial import Trial


@cache
def delivery() -> Delivery:
    """Return the notifier's use case."""
    from videoapi.api.openai.responses import openai_video  # noqa: PLC0415 — the notifier alone

    signer = links()
    return Delivery(
        store=store(patient=True),
        queue=webhooks_queue(patient=True),
        slow_receivers=SlowReceivers(clock),
        callbacks=_callbacks(),
        signing_secrets=_signing_secrets(),
        video=lambda task: openai_video(task, signer, now=clock(), sdk_words=True),
        include_prompt=settings().webhook_include_prompt,
        clock=clock,
        jitter=random.random,
        log=logger(),
        metrics=Metrics(),
    )


@cache
def trial() -> Trial:
    """Return what sends a test event."""
    table, named = WebhookSecrets(store(), clock), bool(settings().webhook_secret)

    def unseen(owner: str) -> bool:
        return not (named and owner == ANONYMOUS) and table.unseen(owner)

    return Trial(_callbacks(), _signing_secrets(), unseen)


def _signing_secrets() -> Callable[[str], list[str]]:
    """Return what signs an owner's events; WEBHOOK_SECRET's where nobody has a key."""
    name, table = settings().webhook_secret, WebhookSecrets(store(), clock)
    kept = secrets() if name else None

    def of(owner: str) -> list[str]:
        return [kept.read(name)] if kept and owner == ANONYMOUS else table.of(owner)

    return of


def _callbacks() -> Callbacks:
    return Callbacks(settings().webhook_allow_private, PinnedTransport(tls()))
