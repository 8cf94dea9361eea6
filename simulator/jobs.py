"""The jobs that were accepted."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.failures import Failure
from simulator.fault_words import Stage
from simulator.faults import Plan
from simulator.orders import RELAY, Order
from simulator.render import Render, Spec

QUEUED_SHARE = 0.1
"""The part of its time that a job spends as queued."""


@dataclass(slots=True)
class Job:
    """One accepted, hence paid, generation. Times are seconds of the epoch."""

    id: str
    plan: Plan
    order: Order
    """Without its image, or load tests would fill the memory."""
    input_bytes: int
    spec: Spec
    seconds: float
    """How long the generation takes at least."""
    failure: Failure | None
    video: Render | None
    """None for a job that is bound to fail."""
    created: float = field(default_factory=time.time)
    visits: Counter[Stage] = field(default_factory=Counter)
    polls: list[float] = field(default_factory=list)
    """Seconds after the creation, of each poll."""
    seen: float | None = None
    """When a poll first reported the end."""
    cancelled: float | None = None
    """When its caller cancelled it."""
    deleted: bool = False
    """Whether its caller deleted it: it is still paid for."""

    @property
    def fails(self) -> bool:
        """Whether it ends without a video."""
        return self.video is None or self.video.broken

    def ended(self, now: float) -> float | None:
        """Return when it ended: at the end of its time, or of its render where that is later."""
        if self.cancelled is not None:
            return self.cancelled
        end = self.created + self.seconds
        if self.video is not None:
            if self.video.ended_at is None:
                return None
            end = max(end, self.video.ended_at)
        return end if end <= now else None

    def state(self, now: float) -> str:
        """Return one of queued, in_progress, completed, failed, cancelled."""
        if self.cancelled is not None:
            return "cancelled"
        if self.ended(now) is not None:
            return "failed" if self.fails else "completed"
        return "queued" if now - self.created < QUEUED_SHARE * self.seconds else "in_progress"

    def is_billed(self) -> bool:
        """Return whether it costs something: what has no video does not, nor what is cancelled.

        A relay charges for a job that is done, also where its content is nowhere.
        """
        if self.order.provider == RELAY:
            return not self.fails
        none = self.plan.option(Stage.RESULT, "") == "none"
        return not (none or self.fails or self.cancelled)

    def progress(self, now: float) -> int:
        """Return the percentage of its time, 100 only at the end."""
        if self.ended(now) is not None:
            return 100
        share = (now - self.created) / self.seconds if self.seconds else 1.0
        return max(0, min(int(100 * share), 99))

    def visit(self, stage: Stage) -> int:
        """Count a visit; returns its number, from 0."""
        self.visits[stage] += 1
        return self.visits[stage] - 1

    def count_poll(self, now: float) -> int:
        """Count a poll; returns its number, from 0."""
        self.polls.append(round(now - self.created, 3))
        return self.visit(Stage.POLL)

    def note_seen(self, now: float) -> None:
        """Note when a poll reports the end for the first time."""
        if self.seen is None and self.ended(now):
            self.seen = now

    def report(self, now: float) -> dict[str, Any]:
        """Describe it for `/_control`."""
        return {
            "id": self.id,
            "provider": self.order.provider,
            "key": self.plan.key,
            "label": self.order.label,
            "billed_usd": self.order.usd if self.is_billed() else 0.0,
            "prompt": self.order.prompt,
            "fields": self.order.fields,
            "input_bytes": self.input_bytes,
            "motion": self.order.motion,
            "strength": self.order.strength,
            "video": {
                "size": [self.spec.shot.width, self.spec.shot.height],
                "seconds": round(self.spec.frames / self.spec.fps, 3),
                "fps": self.spec.fps,
            },
            "state": self.state(now),
            "progress": self.progress(now),
            "created_at": self.created,
            "ended_at": self.ended(now),
            "seen_at": self.seen,
            "polls": self.polls,
            "content_reads": self.visits[Stage.CONTENT],
            "file_reads": self.visits[Stage.FILE],
        }
