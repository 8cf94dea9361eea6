"""The points at which a worker is killed, what must become of its task, and what sees to that."""

from dataclasses import dataclass, replace

from tests.fault_injection.traps import Trap, at

COMPLETED, UNKNOWN, CRASHED = "completed", "unknown", "crashed"
MODELS = {  # by the provider that makes it; `both` fails over from the relay to Google
    "veo_3_1": "relay:veo_3_1",
    "both": "relay:veo_3_1,vertex:veo-3.1-fast-generate-001",
    "veo": "vertex:veo-3.1-fast-generate-001",
    "omni": "gemini:gemini-omni-1.2-flash",
}
PAUSE = 31  # seconds for which a video is not there yet
RECEIVES = 5  # of a message, then it is a dead letter


@dataclass(frozen=True)
class Point:
    """One row of the table.

    `tokens` tell the relay how to behave, `traps` strike from within, `relay_saw` from outside once
    the relay's count of that name is above 0. `paid`: how many jobs the relay has accepted for the
    task in the end; `again`: how many with VEO3_AMBIGUOUS_SUBMIT=retry. `copies`: only happens with
    VEO3_SKIP_UPLOAD=false. `kills`: how many each task takes. `pause`: seconds that the task
    was to rest anyway. `model` is what the caller asks for: one of `MODELS`. `safe_by`: the
    place in `videoapi` that sees to it, `because`: how.
    """

    name: str
    ends: str
    traps: tuple[Trap, ...] = ()
    relay_saw: str | None = None
    tokens: str = ""
    paid: int = 1
    again: int = 1
    copies: bool = False
    kills: int = 1
    pause: float = 0.0
    model: str = "veo_3_1"
    safe_by: str = ""
    because: str = ""


def written(attribute, moment):
    """Strike before or after the write to DynamoDB that names this attribute."""
    return (Trap(moment, "UpdateItem", f'"#{attribute}"'),)


def ended(moment):
    """Strike before or after the transaction that ends the task and settles its cost."""
    return (Trap(moment, "TransactWriteItems", '"#result"'),)


def sending(moment):
    """Strike before or after the message of the attempt that follows a refusal."""
    return (Trap(moment, "SendMessage"),), None, "[[submit:503*1]]"


LATE = f"[[file:503={PAUSE}*1]]"  # longer than a slot is held for
HURRY = Trap("before", "Invoke", action="hurry")


def seen(count, token):
    """Strike once the relay has seen what the token makes it slow at."""
    return {"relay_saw": count, "tokens": f"[[{token}]]"}


def safe_by(place, why, *points):
    return (replace(point, safe_by=place, because=why) for point in points)


POINTS = (
    *safe_by(
        "worker.posting.Posting.ensure_job",
        "no intent, so nothing was sent",
        Point("before the intent", COMPLETED, (at("claimed"),)),
        Point("writing the intent, not written", COMPLETED, written("intent_at", "before")),
    ),
    *safe_by(
        "worker.posting.Posting.ensure_job",
        "an intent without an id is unknown",
        Point("writing the intent, written", UNKNOWN, written("intent_at", "after"), paid=0),
        Point("after the intent, before the POST", UNKNOWN, (at("intended"),), paid=0),
        Point("during the POST, not accepted", UNKNOWN, **seen("posts", "submit:hang*1"), paid=0),
        Point(
            "during the POST, accepted", UNKNOWN, **seen("posts", "submit:hang+created*1"), again=2
        ),
        Point("after the answer, before the save", UNKNOWN, (at("answered"),), again=2),
        Point("during the save, not written", UNKNOWN, written("accepted_at", "before"), again=2),
    ),
    *safe_by(
        "worker.posting.Posting.ensure_job",
        "an id is there, so no POST",
        Point("during the save, written", COMPLETED, written("accepted_at", "after")),
        Point("after the save", COMPLETED, (at("accepted"),)),
    ),
    *safe_by(
        "domain.attempts.retry_submit",
        "the intent is taken back; a message comes back",
        Point("after a refusal, the next attempt not sent", COMPLETED, *sending("before")),
        Point("after a refusal, the next attempt sent", COMPLETED, *sending("after")),
    ),
    *safe_by(
        "worker.posting.Posting.ensure_job",
        "an intent without an id is unknown",
        Point(
            "after a refusal, the next route not written",
            UNKNOWN,
            (at("refused"),),
            tokens="[[relay.submit:503]]",
            model="both",
            paid=0,
        ),
    ),
    *safe_by(
        "domain.attempts.next_route",
        "the intent is taken back, and the row names the route",
        Point(
            "after a refusal, the next route written",
            COMPLETED,
            (at("rerouted"),),
            tokens="[[relay.submit:503]]",
            model="both",
        ),
    ),
    *safe_by(
        "worker.watch.Watch.follow",
        "polls the saved id",
        Point("during a poll", COMPLETED, **seen("polls", "poll:hang*1")),
        Point("between polls", COMPLETED, (at("polled"),), tokens="[[time:3]]"),
    ),
    *safe_by(
        "domain.transitions.release",
        "the task is free, and one of two messages takes it",
        Point(
            "handing over, the message not sent", COMPLETED, (HURRY, Trap("before", "SendMessage"))
        ),
        Point("after the hand-over", COMPLETED, (HURRY, at("handed over"))),
    ),
    *safe_by(
        "worker.watch.Watch.follow",
        "a look finds the job done again",
        Point(
            "noting that it is done, not written",
            COMPLETED,
            written("done_at", "before"),
            copies=True,
        ),
    ),
    *safe_by(
        "domain.transitions.note_done",
        "a done job is never ordered again",
        Point(
            "after done was noted, before the delivery",
            COMPLETED,
            written("done_at", "after"),
            copies=True,
        ),
    ),
    *safe_by(
        "domain.transitions.release",
        "the pause is on the row, and it is due after it",
        Point(
            "freed while a finished video cannot be had, the message not sent",
            COMPLETED,
            (Trap("before", "SendMessage"),),
            tokens=LATE,
            copies=True,
            pause=PAUSE,
        ),
        Point(
            "freed while a finished video cannot be had",
            COMPLETED,
            (at("handed over"),),
            tokens=LATE,
            copies=True,
            pause=PAUSE,
        ),
    ),
    *safe_by(
        "worker.delivery.Delivery.deliver",
        "begins again with the same job",
        Point("before the delivery", COMPLETED, (at("delivering"),)),
        Point("before the download", COMPLETED, (at("downloading"),), copies=True),
        Point(
            "during the download", COMPLETED, **seen("file_reads", "file:trickle=60*1"), copies=True
        ),
        Point("before the copy", COMPLETED, (at("copying"),), copies=True),
        Point(
            "during the copy", COMPLETED, (Trap("during", "PutObject", "/videos/"),), copies=True
        ),
        Point("after the copy, before the finish", COMPLETED, (at("finishing"),)),
        Point("during the finish, not written", COMPLETED, ended("before")),
    ),
    *safe_by(
        "domain.transitions.claim",
        "an ended task is nobody's",
        Point("during the finish, written", COMPLETED, ended("after")),
        Point("after the finish", COMPLETED, (at("completed"),)),
    ),
    *safe_by(
        "worker.posting.Posting.ensure_job",
        "asks the row anew each time",
        Point(
            "at four steps, one after the other",
            COMPLETED,
            (at("claimed"), at("accepted"), at("delivering"), at("finishing")),
            kills=4,
        ),
    ),
    *safe_by(
        "worker.recovery.Recovery.resolve_dead_letter",
        "ends what nobody can finish, resumes what is paid",
        Point(
            "before the intent, again and again: a dead letter",
            CRASHED,
            # A sweep may have sent further messages, with receives of their own.
            (at("claimed"),) * (4 * RECEIVES),
            paid=0,
            kills=RECEIVES,
        ),
        Point(
            "after the save, then again and again: a dead letter",
            COMPLETED,
            (at("accepted"), *[at("claimed")] * (RECEIVES - 1)),
            kills=RECEIVES,
        ),
    ),
)
AMBIGUOUS = tuple(point for point in POINTS if point.ends == UNKNOWN)
OFTEN = tuple(point for point in POINTS if point.kills > 1)
ONCE = tuple(point for point in POINTS if point.kills == 1)
# Without those of the relay's file server, which Google does not have.
AT_GOOGLE = tuple(
    replace(point, model=model)
    for model in ("veo", "omni")
    for point in ONCE
    if point.model == "veo_3_1" and "file" not in point.tokens
)
