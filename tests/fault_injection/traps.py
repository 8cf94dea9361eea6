"""What can befall a task on its way, and how to set it up: files that `injector` looks for."""

import itertools
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Trap:
    """Where it waits for one task, and what it does there, once.

    `moment` is `step` (`place` is a name that the worker logs), or `before`, `during` or `after` a
    call to AWS (`place` is an operation; `needle` must occur in its URL or body). `action`: `kill`
    the process by SIGKILL, `hold` it until it is let go, `fail` the call (`before`: nothing was
    sent, `after`: its answer is lost), or `hurry` an invocation (`before`, `Invoke`): it has half a
    minute left.
    """

    moment: str
    place: str
    needle: str = ""
    action: str = "kill"
    function: str = "worker"


def at(step, action="kill"):
    return Trap("step", step, action=action)


class Traps:
    """All traps of one stack, in a folder that its functions see too."""

    def __init__(self, folder):
        self._armed, self._sprung = folder / "armed", folder / "sprung"
        self._folder = folder
        self._numbers = itertools.count()
        for each in (self._armed, self._sprung):
            each.mkdir()

    def set(self, task_id, *traps):
        """Set traps for a task; those for the same place spring one after the other."""
        for trap in traps:
            name = f"{task_id}.{next(self._numbers):06}"
            draft = self._folder / name
            draft.write_text(json.dumps(asdict(trap)))
            draft.rename(self._armed / name)

    def left(self, task_id):
        """Return how many have not sprung."""
        return sum(1 for _ in self._armed.glob(f"{task_id}.*"))

    def release(self, task_id):
        """Let go what is held."""
        for path in self._sprung.glob(f"{task_id}.*"):
            path.unlink()
