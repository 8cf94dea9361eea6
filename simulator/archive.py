"""Jobs on disk, so that a restarted simulator knows its jobs and has their videos, as a relay.

`jobs.jsonl` has a line for each job, written before its POST is answered. Beside it are the videos,
by what they show, and the images of those that are not rendered yet. What is older than a number
of days is dropped at a start.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from simulator import faults, stills
from simulator.camera import Motion, Shot
from simulator.failures import Failure, Refusal
from simulator.jobs import Job
from simulator.orders import Order
from simulator.render import Renders, Spec

_JOBS, _NEW = "jobs.jsonl", "jobs.jsonl.new"
_OURS = (".image", ".mp4", ".part", ".png")
_DAY = 86_400


class Archive:
    """The jobs of one folder."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def add(self, job: Job, image: bytes | None) -> None:
        """Write a job down, a changed one again; its image too, unless it is there."""
        if image is not None and job.video is not None:
            path = self._image(job.spec)
            if not path.exists():
                path.write_bytes(image)
        with (self._folder / _JOBS).open("a") as file:
            file.write(json.dumps(_record(job)) + "\n")

    def load(self, renders: Renders, *, days: float) -> list[Job]:
        """Return the jobs of earlier runs; a video that was not finished is rendered again."""
        since = time.time() - days * _DAY
        found = {job.id: job for job in self._read(renders) if job.created >= since}
        jobs = list(found.values())  # a changed job's last line
        new = self._folder / _NEW
        new.write_text("".join(json.dumps(_record(job)) + "\n" for job in jobs))
        new.replace(self._folder / _JOBS)
        used = {job.video.path for job in jobs if job.video}
        used |= {self._image(j.spec) for j in jobs if j.video and j.video.ended_at is None}
        for path in self._folder.iterdir():
            drawn = path.suffix == ".png" and path.stat().st_mtime >= since
            if path.suffix in _OURS and path not in used and not drawn:
                path.unlink(missing_ok=True)
        return jobs

    def forget(self) -> None:
        """Drop all jobs; videos stay until the next start."""
        (self._folder / _JOBS).unlink(missing_ok=True)

    def _read(self, renders: Renders) -> Iterator[Job]:
        path = self._folder / _JOBS
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                yield self._job(json.loads(line), renders)
            except (ValueError, TypeError, KeyError, Refusal):
                continue  # cut off by a crash, or in an earlier version's words

    def _job(self, record: dict[str, Any], renders: Renders) -> Job:
        order = Order(**record["order"] | {"motion": Motion(record["order"]["motion"])}, image=None)
        shot = record["spec"].pop("shot")
        spec = Spec(Shot(**shot | {"motion": Motion(shot["motion"])}), **record["spec"])
        failure = record["failure"]
        return Job(
            id=record["id"],
            plan=faults.parse(order.prompt, order.provider),
            order=order,
            input_bytes=record["input_bytes"],
            spec=spec,
            seconds=record["seconds"],
            failure=Failure(**failure) if failure else None,
            video=None
            if record["doomed"]
            else renders.resume(spec, partial(self._still, order, spec)),
            created=record["created"],
            cancelled=record.get("cancelled"),
            deleted=record.get("deleted", False),
        )

    def _still(self, order: Order, spec: Spec) -> Any:
        path = self._image(spec)
        if path.exists():
            return stills.decode(path.read_bytes())
        return stills.draw(faults.without_tokens(order.prompt), order.width, order.height)

    def _image(self, spec: Spec) -> Path:
        return self._folder / f"{spec.source}.image"


def _record(job: Job) -> dict[str, Any]:
    order = asdict(job.order)
    del order["image"]
    return {
        "id": job.id,
        "created": job.created,
        "seconds": job.seconds,
        "input_bytes": job.input_bytes,
        "doomed": job.video is None,
        "cancelled": job.cancelled,
        "deleted": job.deleted,
        "failure": asdict(job.failure) if job.failure else None,
        "order": order,
        "spec": asdict(job.spec),
    }
