"""What each operation asks of AWS: calls, DynamoDB units and bytes, counted where botocore sends.

The real handlers on the data services of template.yaml (moto), as in the integration tests; a
worker's generation of a minute in made-up time.
"""

import io
import json
import time
from collections import Counter
from contextlib import redirect_stdout
from functools import cache

from moto import mock_aws

import tests.conftest  # noqa: F401 — made-up credentials before any client
from benchmarks.bench import FORM, OPENAI, REST, SUBMIT, UPLOADS, Bench
from benchmarks.meter import Operation
from tests.support.loopback import Server, reply
from tests.support.moto import ROOT
from videoapi.accounts.webhook_secrets import WebhookSecrets


@cache
def operations() -> dict[str, Operation]:
    """Measure every operation, by name."""
    with mock_aws(), redirect_stdout(io.StringIO()):
        bench = Bench()
        return {
            **_submits(bench),
            **_reads_and_ends(bench),
            "sweep, nothing to do": _sweep(bench),
            "event sent to a webhook": _delivered(bench),
            "worker, video at the relay": bench.worker(),
            "worker, video copied": bench.worker(copies=True),
        }


def _submits(bench: Bench) -> dict[str, Operation]:
    keyed = {"headers": {"idempotency-key": "an order of ours"}, "json": bench.with_image}
    sdk = {"x-stainless-lang": "python"}
    return {
        "submit, text": bench.ask("POST", OPENAI, json={"prompt": SUBMIT["prompt"]}),
        "submit, inline image": bench.ask("POST", REST, json=bench.with_image),
        "submit, Idempotency-Key": bench.ask("POST", REST, **keyed),
        "its replay": bench.ask("POST", REST, **keyed),
        **{
            f"submit by an SDK, {name}": bench.ask(
                "POST",
                OPENAI,
                json={"prompt": "Twins"},
                headers=sdk | {"x-stainless-retry-count": str(count)},
            )
            for count, name in enumerate(("first try", "its retry"))
        },
        **_submits_with_keys(bench),
        "upload, its form": bench.ask("POST", UPLOADS, json=FORM),
        "submit, uploaded image": bench.ask("POST", REST, json=SUBMIT | {"image": bench.upload()}),
    }


def _submits_with_keys(bench: Bench) -> dict[str, Operation]:
    body = {"caller": bench.closed, "json": {"prompt": SUBMIT["prompt"]}}
    plain, limited = bench.key(), bench.key(tasks_alive=10, submits_per_minute=60)
    capped = bench.key(usd_per_day=5_000_000)
    unknown = bench.ask("POST", OPENAI, headers=plain, **body)
    known = bench.ask("POST", OPENAI, headers=plain, **body)
    while True:  # both in the same minute
        minute = time.time() // 60
        bench.ask("POST", OPENAI, headers=limited, **body)
        counted = bench.ask("POST", OPENAI, headers=limited, **body)
        if time.time() // 60 == minute:
            break
    return {
        "submit with a key, the first in a minute": unknown,
        "submit with a key": known,
        "submit with a key and limits": counted,
        "submit with a key and a cap in dollars": bench.ask("POST", OPENAI, headers=capped, **body),
    }


def _reads_and_ends(bench: Bench) -> dict[str, Operation]:
    waiting = bench.task_factory.processing().task_id
    done = bench.task_factory.completed().task_id
    copied = bench.task_factory.completed(result={"video_key": "videos/anonymous/x.mp4"}).task_id
    return {
        "status, processing": bench.ask("GET", f"/api/v1/tasks/{waiting}"),
        "status, completed": bench.ask("GET", f"/api/v1/tasks/{done}"),
        "content": bench.ask("GET", f"/v1/videos/{copied}/content"),
        "list": bench.ask("GET", "/api/v1/tasks"),
        "cancel": bench.ask("DELETE", f"/api/v1/tasks/{waiting}"),
        "delete": bench.ask("DELETE", f"/v1/videos/{bench.submitted()}"),
    }


def _sweep(bench: Bench) -> Operation:
    event = json.loads((ROOT / "events/sweeper.json").read_text())
    return bench.measure(lambda: bench.open.invoke("sweeper", event))


def _delivered(bench: Bench) -> Operation:
    """Return the calls of one event."""
    WebhookSecrets(bench.services.store, lambda: 0.0).ensure("anonymous")
    event = json.loads((ROOT / "events/notifier.json").read_text())
    with Server(reply(status="204 No Content")) as receiver:
        task = bench.task_factory.completed(webhook_url=receiver.origin)
        event["Records"][0]["body"] = json.dumps({"task_id": task.task_id})
        return bench.measure(lambda: bench.open.invoke("notifier", event))


def table() -> list[str]:
    """Return the table in Markdown."""
    lines = [
        "| operation | AWS calls | written | read | sent to AWS | from AWS | request | answer |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, done in operations().items():
        calls = Counter(call.name for call in done.calls)
        made = ", ".join(f"{n} {name}" if n > 1 else name for name, n in calls.items())
        upstream = f"; relay: {done.creates} create, {done.polls} polls" if done.polls else ""
        sizes = [
            sum(call.sent for call in done.calls),
            sum(call.received for call in done.calls),
            done.request,
            done.answer,
        ]
        cells = [name, made + upstream, f"{done.written.total()}", f"{done.read:g}"]
        lines.append(f"| {' | '.join([*cells, *(f'{size:,}' for size in sizes)])} |")
    return lines
