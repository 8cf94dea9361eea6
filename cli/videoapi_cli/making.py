"""An order becomes a file: submit, watch, download.

Whatever kills this, the same command goes on where it was: an order's key leads to its task, and
the task to its video.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from videoapi_cli import downloads, orders, tasks
from videoapi_cli.client import Api
from videoapi_cli.errors import ApiError, CliError, Unreachable
from videoapi_cli.journal import Journal
from videoapi_cli.orders import Order

MAX_ATTEMPTS = 100  # at one row, by `--retry-failed`
GONE = (404, 410)
LEAVE, CANCEL, GO_ON = "leave", "cancel", "go on"


class Gone(CliError):
    """An order's video was made once, and the server keeps it no more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "To order it once more: --retry-failed, or change the row.")


class Display(Protocol):
    """What shows how far everything is."""

    def begin(self, order: Order) -> None:
        """Show that an order is worked on."""

    def update(self, order: Order, percent: float, words: str) -> None:
        """Show how far it is."""

    def end(self, outcome: "Outcome") -> None:
        """Show how it ended."""

    def ask(self) -> str:
        """Return what a Ctrl-C means: LEAVE, CANCEL or GO_ON."""


@dataclass(kw_only=True)
class Outcome:
    """How an order ended: `completed`, `failed`, `cancelled`, or `left` for another run."""

    order: Order
    status: str
    task_id: str = ""
    file: Path | None = None
    problem: str = ""
    earlier: bool = False  # by an earlier run: nothing was ordered by this one
    task: dict[str, Any] = field(default_factory=dict)  # as it was seen last

    @property
    def cost(self) -> dict[str, Any] | None:
        """What the API tells of the cost, None where it does not."""
        return self.task.get("cost")

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "row": self.order.where or None,
            "task_id": self.task_id or None,
            "status": self.status,
            "file": str(self.file) if self.file else None,
            "error": self.problem or None,
            "cost": self.cost,
            "ordered_earlier": self.earlier,
        }


@dataclass(eq=False, kw_only=True)
class Maker:
    """Makes orders into files in a folder, if there is one; `path` is a single order's file."""

    api: Api
    display: Display
    folder: Path | None
    path: Path | None = None
    journal: Journal | None = None
    overwrite: bool = False
    retry_failed: bool = False

    def is_new(self, order: Order) -> bool:
        """Whether an order may have to be paid for, as far as is known here."""
        known = self._known(order).get("task_id") and not self.retry_failed
        return not (order.problem or known or self._file_of(order))

    def make(self, order: Order, outcome: Outcome) -> None:
        """Make one order into its file. Raise `CliError`, `Stopped`."""
        if order.problem:
            raise CliError(order.problem)
        if (file := self._file_of(order)) is not None:
            known = self._known(order)
            outcome.status, outcome.file, outcome.earlier = "completed", file, True
            outcome.task_id, outcome.task = known.get("task_id", ""), {"cost": known.get("cost")}
            return
        task = outcome.task = self._ended(order, outcome)
        outcome.status = task["status"]
        if task["status"] != "completed":
            outcome.problem = tasks.failure(task)
        elif self.folder:
            self._download(self.folder, order, outcome)

    def _known(self, order: Order) -> dict[str, Any]:
        return self.journal.known(order.key) if self.journal else {}

    def _file_of(self, order: Order) -> Path | None:
        """Return the order's file if it is there: by the journal, else by its name.

        Without a journal, a file of that name is taken for it: it was paid for once.
        """
        if self.journal is None or order.problem:
            return None
        known, file = self._known(order), self.journal.folder / f"{order.name}{downloads.ENDING}"
        if "file" in known:
            file = self.journal.folder / str(known["file"])
        elif "task_id" in known or self.overwrite or file.name in self.journal.names():
            return None  # its video is not here, or the file is another order's
        return file if file.exists() else None

    def _ended(self, order: Order, outcome: Outcome) -> tasks.Task:
        """Return the order's task once it has ended: the latest one where failures are retried."""
        for number in range(MAX_ATTEMPTS):
            attempt, following = order.again(number), order.again(number + 1)
            try:
                outcome.earlier = self._submit(attempt, outcome)
            except Gone:
                if not (self.retry_failed or self._known(following)):
                    raise
                continue
            task = tasks.watch(self.api, outcome.task_id, lambda task: self._report(order, task))
            self.api.gate.open()
            retry = outcome.earlier and self.retry_failed
            if task["status"] == "completed" or not (retry or self._known(following)):
                return task
        raise CliError(f"It was tried {MAX_ATTEMPTS} times.")

    def _submit(self, order: Order, outcome: Outcome) -> bool:
        """Order, or find what an earlier run ordered; return whether one did."""
        if order.task_id:
            outcome.task_id = order.task_id
            return True
        if known := self._known(order).get("task_id"):
            outcome.task_id = str(known)
            self._require_kept(outcome.task_id, self._known(order).get("file"))
            return True
        try:
            outcome.task_id, earlier = orders.submit(order, self.api)
        except Unreachable as exc:
            if self.journal is None:  # the same command is another order, with another key
                exc.next_step += " It may be ordered all the same: look at `videoapi list` first."
            raise
        except ApiError as exc:
            if exc.code == "video_deleted":
                raise Gone("Its video was deleted from the server.") from exc
            raise
        if self.journal:
            self.journal.write(order.key, task_id=outcome.task_id)
        return earlier

    def _require_kept(self, task_id: str, file: str | None) -> None:
        try:
            tasks.read(self.api, task_id)
        except ApiError as exc:
            if exc.status not in GONE:
                raise
            made = f" Its file {file} was here: put it back." if file else ""
            message = f"It was ordered as {task_id}, which the server keeps no more.{made}"
            raise Gone(message) from exc

    def _report(self, order: Order, task: tasks.Task) -> None:
        self.display.update(order, float(task.get("progress") or 0), tasks.state(task))

    def _download(self, folder: Path, order: Order, outcome: Outcome) -> None:
        def place() -> tuple[Path, bool]:
            path = self.path or folder / f"{order.name}{downloads.ENDING}"
            if self.overwrite or self.path:
                return path, self.overwrite
            return downloads.free_path(folder, order.name), False

        def report(done: int, size: int | None) -> None:
            self.display.update(order, 100 * done / size if size else 100, "downloading")

        outcome.file = downloads.download(self.api, outcome.task_id, place, report)
        if self.journal:
            self.journal.write(order.key, file=outcome.file.name, cost=outcome.cost)
