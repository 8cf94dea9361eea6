"""What is measured: every role with an event of its own, and the baseline with submit's."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.aws import COMPLETED, PENDING, RUNNING, Certificate, running_aws
from benchmarks.cold_start import Case
from benchmarks.deployed import baseline, lay_out
from devstack.build import build
from devstack.settings import ROOT
from videoapi.domain.tasks import Status

BASELINE = "FastAPI + Mangum + boto3"
COMPILED = f"{BASELINE}, compiled"


@dataclass(frozen=True)
class Work:
    """A role's work: its event (the recorded one if none is given) and the task that it finds."""

    role: str
    event: Mapping[str, Any] | None = None
    finds: Status = Status.PROCESSING
    #: What the handler answers when all went as it should: a status code, or the whole answer.
    answer: object = 200


def _submitting(**fields: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / "submit.json").read_text())
    return event | {"body": json.dumps(json.loads(event["body"]) | fields)}


_BY_URL = _submitting(image="https://images.example.com/mountains.jpg")
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
WORKS = {
    "submit": Work("submit", _BY_URL, answer=202),
    "submit with an image": Work("submit", answer=202),
    "status": Work("status"),
    "content": Work("content", finds=Status.COMPLETED, answer=307),
    "list of 20": Work("list", finds=Status.COMPLETED),
    "cancel": Work("cancel"),
    "images": Work("images"),
    "uploads": Work("uploads", answer=201),
    "mcp": Work("mcp"),
    "docs (health)": Work("docs"),
    "worker, task taken": Work("worker", answer=NOTHING_FAILED),
    "worker, order refused": Work("worker", finds=Status.PENDING, answer=NOTHING_FAILED),
    "dead letter": Work("dead_letter", finds=Status.COMPLETED, answer=NOTHING_FAILED),
    "sweeper": Work("sweeper", answer={"queued": 0}),
    BASELINE: Work("baseline", _BY_URL, answer=202),
    COMPILED: Work("baseline-compiled", _BY_URL, answer=202),
}


@contextmanager
def cases(*, baselines: bool = True) -> Iterator[dict[str, Case]]:
    """Build, lay out what would be deployed, and answer as AWS for the block.

    The `baselines` to compare with take 10 s to lay out.
    """
    build()
    with TemporaryDirectory() as name:
        folder = Path(name)
        programs = lay_out(folder)
        for compiled in (False, True) if baselines else ():
            made = baseline(folder, compiled=compiled)
            programs[made.role] = made
        certificate = Certificate(folder)
        with ExitStack() as stack:
            aws = {
                task.status: stack.enter_context(running_aws(certificate, task))
                for task in (PENDING, RUNNING, COMPLETED)
            }
            found = {}
            for title, work in WORKS.items():
                if work.role not in programs:
                    continue
                event = folder / f"{title}.json"
                recorded = ROOT / "events" / f"{work.role}.json"
                event.write_text(json.dumps(work.event) if work.event else recorded.read_text())
                program = programs[work.role]
                environment = aws[work.finds].environment
                trusted = {"AWS_CA_BUNDLE": str(certificate.behind(program.trusted))}
                found[title] = Case(program, event, environment | trusted, work.answer)
            yield found
