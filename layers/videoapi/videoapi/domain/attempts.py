"""The changes that lead a task to its next attempt: another POST, or another fetch of its image.

Each but `named` takes back that a POST was begun, and is made by the holder of the lease alone.
"""

from videoapi.domain import ledger
from videoapi.domain.forecast import progress_at_write
from videoapi.domain.ledger import Caps
from videoapi.domain.tasks import Status, Task, shard
from videoapi.domain.transitions import Change, freed, held, logged


def retry_submit(
    task: Task,
    *,
    now: float,
    again_at: float,
    code: str = "",
    stays: bool = True,
    audio: bool = False,
    unknown: bool = False,
) -> Change:
    """Free a task that its provider refused or gave back.

    The next attempt `stays` on the task's route, or goes to the first that may be asked. `code`
    tells the failure in the log of attempts; `unknown`: VEO3_AMBIGUOUS_SUBMIT=retry.
    """
    change = held(
        task,
        now,
        intent_at=None,
        upstream_id=None,
        accepted_at=None,
        route=task.route if stays else None,
        open=shard(task.task_id),
        progress=progress_at_write(task, now=now),
        audio_refusals=task.audio_refusals + audio,
        unknown_submits=task.unknown_submits + unknown,
        **freed(again_at, now),
    )
    gone = {"failed_upstream_ids": task.upstream_id} if task.upstream_id else {}
    return change._replace(appends=gone | logged(now, code))


def reserving(change: Change, task: Task, caps: Caps) -> Change:
    """Return a retry after a lost order that reserves for another one what was for the first.

    Both may have to be paid.
    """
    each = (task.cost_reserved or 0) // (task.unknown_submits + 1)
    entries = (entry._replace(cap=None) for entry in ledger.reserved(task, each, caps))
    sets = {**change.sets, "cost_reserved": (task.cost_reserved or 0) + each}
    return change._replace(sets=sets, entries=tuple(entries)) if each else change


def next_route(task: Task, route: str, *, now: float, code: str) -> Change:
    """Note that the provider refused, with `code`; the holder posts to the next route at once."""
    change = held(task, now, intent_at=None, route=route)
    return change._replace(appends=logged(now, code))


def named(upstream_id: str) -> Change:
    """Note beside a task the id that a refusal or an unclear answer names, whatever it ends as."""
    return Change(leaves=frozenset(Status), appends={"failed_upstream_ids": upstream_id})


def retry_image(task: Task, *, now: float, again_at: float) -> Change:
    """The image's host is away, and nothing was sent: free the task until `again_at`."""
    return held(task, now, image_failures=task.image_failures + 1, **freed(again_at, now))
