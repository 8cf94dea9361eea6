"""What the dialects answer about webhooks, as models; `models` says what those are for."""

from typing import Annotated, Literal

from pydantic import Field

from tools.openapi.answers import Answer, Instant

type State = Literal["pending", "delivered", "failed", "disabled"]


class Webhook(Answer):
    """How the delivery of the task's event goes."""

    state: State
    """`failed`: given up after eight tries; `disabled`: the receiver answered 410."""
    attempts: Annotated[int, Field(ge=0)]
    last_status: int | None
    """The HTTP status of the last answer; null without one."""
    next_attempt_at: Instant | None
    """Null before the end, and after the last try."""


class OpenAiWebhook(Webhook):
    """How the delivery of the task's event goes."""

    next_attempt_at: Annotated[int, Field(ge=0)] | None  # type: ignore[assignment]  # in seconds
    """In seconds since 1970; null before the end, and after the last try."""


class WebhookAnswer(Answer):
    """What came of a test event."""

    delivered: bool
    """Whether the address answered 2xx."""
    status: int | None
    """Of its answer; null without one."""
    milliseconds: Annotated[int, Field(ge=0)]
    problem: str | None
    """Why it is not delivered, in words."""


ANSWERS = (WebhookAnswer,)
