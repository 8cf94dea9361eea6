"""A task: what was asked, where it stands, and what came of it. Pure; time comes in as a value.

Instants are ISO 8601 strings in UTC with milliseconds (`2026-01-11T10:30:00.000Z`). Their width is
fixed, so comparing the strings compares the instants: here, in DynamoDB conditions and in its
indexes alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

from videoapi.domain.timestamps import epoch

PAID = "paid"  # the partition of the `open` index for tasks with a paid job …
WEBHOOKS = "webhooks"  # … and for those that have ended, and whose webhook is still to be told
SHARDS = 8  # of the `open` index: each takes 1,000 writes a second (DynamoDB partition quota)


class Status(StrEnum):
    """The document's five words, and the tombstone that a deletion leaves."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


OPEN = frozenset({Status.PENDING, Status.PROCESSING})
type WebhookState = Literal["pending", "delivered", "failed", "disabled"]
PAID_JOB_SECONDS = 300  # as long as a paid job that nobody waits for is taken to run on


class Dialect(StrEnum):
    """The dialect that a task was created in, which decides its status words in `/v1`."""

    REST = "document"  # as it is stored since the first version
    OPENAI = "openai"


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """What the caller asked for, after validation. None = not said, so the model decides."""

    model: str
    prompt: str | None = None
    seconds: int | None = None
    fps: int = 30
    size: str = "1920x1080"
    motion_strength: float | None = None
    camera_motion: str | None = None
    optimize_prompt: bool = False
    size_named: bool = True  # False: `size` is only the default
    negative_prompt: str | None = None
    seed: int | None = None
    generate_audio: bool | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)  # generated ones cost each cold start
class Task:  # noqa: PLW1641 — it is in no set
    """One row of the table. `transitions` says how each attribute may change."""

    task_id: str
    owner: str
    status: Status
    created_at: str
    updated_at: str
    request: GenerationRequest
    dialect: Dialect = Dialect.REST
    fingerprint: str = ""
    progress: int = 0  # in percent, as the provider told it, or as it was estimated at a write
    progress_source: Literal["provider", "estimate"] | None = (
        None  # who tells it: `provider` or `estimate`; None: nobody yet
    )
    expected_seconds: int | None = None  # that its job takes, by those that ended before it
    completed_at: str | None = None
    expires_at: int | None = None  # epoch seconds: DynamoDB's TTL wants a number
    kept_until: int | None = None  # the same, of a task that stays until its event is told

    image_key: str | None = None  # the input in our bucket …
    image_url: str | None = None  # … or where the worker fetches it
    more_images: list[dict[str, str]] | None = None  # each with `role`, and `key` or `url`

    queued_at: str = ""  # when its last queue message was sent
    due_at: str | None = None  # when the sweeper should look after it; None once ended
    lease_owner: str = ""  # the worker's request id; empty while nobody works on it
    lease_until: str = ""  # nobody else touches the task before
    claimed_at: str | None = None  # first claim: `duration` counts from here

    image_failures: int = 0  # fetches of the image that came to nothing for the moment
    claims: int = 0  # since a worker last gave it back: all but the last one died over it
    attempts: int = 0  # upstream POSTs begun
    audio_refusals: int = 0  # of those, ended by the upstream's random audio filter
    unknown_submits: int = 0  # of those, lost without an answer and then tried again
    intent_at: str | None = None  # a POST was begun and not (yet) answered "not accepted"
    route: str | None = None  # PROVIDER:NAME of the last POST, or of the next after a refusal
    provider: str | None = None  # whom the last POST went to …
    upstream_model: str | None = None  # … for which of its models …
    upstream_url: str | None = None  # … and where its jobs live
    attempt_log: list[str] = field(default_factory=list)  # when, where to and what came of it
    upstream_id: str | None = None  # the paid job, as its provider calls it
    accepted_at: str | None = None  # when its provider accepted it
    done_at: str | None = None  # when the job first said that it is done: it was paid for
    result_url: str | None = None  # where a finished video is that could not be had so far
    empty_since: str | None = None  # since when the finished job shows no video
    prompt_sent: str | None = None
    thumbnail_key: str | None = None  # a small picture of the input image, in our bucket
    image_note: str | None = None  # what was not done to the input image, for its caller
    prompt_optimized: int | None = None  # 1 or 0, where the caller asked for it
    late_upstream_ids: list[str] = field(default_factory=list)  # learnt too late to be of use
    failed_upstream_ids: list[str] = field(default_factory=list)  # failed, refused or left unclear
    cancel_asked_at: str | None = None  # when its provider was asked to stop its job
    job_ended_at: str | None = None  # when the job of a task that was given up was seen to end

    # In micro-dollars; None: not known.
    cost_estimated: int | None = None  # by the first route that could make it
    cost_reserved: int | None = None  # at most, by the dearest of its routes
    cost_actual: int | None = None  # what it came to, once that is known
    cost_cap: int | None = None  # of its owner's day, by the key that it was submitted with
    in_budget: int | None = None  # 1: counted in the stack's budget, too

    webhook_url: str | None = None  # where its end is told, …
    webhook_event: str | None = None  # … as which event, once it has come
    webhook_state: WebhookState | None = None
    webhook_status: int | None = None  # HTTP status that the last try was answered with
    webhook_due_at: str | None = None  # when the next try may begin
    webhook_lease: str | None = None  # who makes a try just now
    webhook_body: str | None = None  # as it was first sent, until it needs to be sent no more
    webhook_claims: int = 0  # for a try, since one was last noted: all but the last one died
    webhook_problem: str | None = None  # of ours, why no try can be made just now
    webhook_log: list[str] = field(default_factory=list)  # when each try was made, and its outcome

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and vars(self) == vars(other)

    def having(self, **changes: object) -> Self:
        """Return it with other values; as `dataclasses.replace`, at a tenth of its instructions."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **changes)
        return other

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more (a deletion aside)."""
        return self.status not in OPEN

    def keeps_place(self, now: float) -> bool:
        """Return whether it is one of its owner's live tasks: open, or ended while its job runs."""
        began = self.accepted_at or self.intent_at
        over = self.done_at or self.job_ended_at
        if self.status not in (Status.CANCELLED, Status.DELETED) or began is None or over:
            return not self.ended
        return now < epoch(began) + PAID_JOB_SECONDS

    @property
    def owes_event(self) -> bool:
        """Whether its end is still to be told to its webhook."""
        return self.webhook_state == "pending"

    @property
    def images(self) -> tuple[Mapping[str, str], ...]:
        """Its images, the first frame first: each its `role`, and its `key` or `url`."""
        more = tuple(self.more_images or ())
        if self.image_url is not None:
            return ({"role": "first_frame", "url": self.image_url}, *more)
        return ({"role": "first_frame", "key": self.image_key}, *more) if self.image_key else more

    @property
    def image_roles(self) -> tuple[str, ...]:
        """What each of its images is for, the first frame first."""
        return tuple(image["role"] for image in self.images)

    @property
    def prompts(self) -> tuple[str | None, ...]:
        """The caller's words that a provider may quote, and that no log may hold."""
        return self.prompt_sent, self.request.prompt, self.request.negative_prompt

    @property
    def maybe_charged(self) -> bool:
        """Whether a provider may have taken money: a POST went out that nobody took back."""
        return self.intent_at is not None or self.unknown_submits > 0


def shard(task_id: str) -> str:
    """Return the partition of the sparse `open` index that a task lives in."""
    return str(ord(task_id[-2]) % SHARDS)
