"""The AWS calls of one event, delivered by the notifier to a receiver that takes it."""

import json
from typing import TYPE_CHECKING

from tests.support.loopback import Server, reply
from tests.support.moto import ROOT
from videoapi.accounts.webhook_secrets import WebhookSecrets

if TYPE_CHECKING:
    from benchmarks.calls import Bench
    from benchmarks.meter import Operation


def delivered(bench: "Bench") -> "Operation":
    """Return the calls of one event."""
    WebhookSecrets(bench.services.store, lambda: 0.0).ensure("anonymous")
    event = json.loads((ROOT / "events/notifier.json").read_text())
    with Server(reply(status="204 No Content")) as receiver:
        task = bench.task_factory.completed(webhook_url=receiver.origin)
        event["Records"][0]["body"] = json.dumps({"task_id": task.task_id})
        return bench.measure(lambda: bench.open.invoke("notifier", event))
