"""Several orders at a time, until all ended, the account is refused, or Ctrl-C."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field

from videoapi_cli import tasks
from videoapi_cli.client import Stopped
from videoapi_cli.errors import ApiError, CliError, Unreachable, Unwritable
from videoapi_cli.making import CANCEL, GO_ON, Maker, Outcome
from videoapi_cli.orders import Order

INTERRUPTED = 130  # the exit code of Ctrl-C
HEARD_WITHIN_SECONDS = 1.0  # a Ctrl-C that comes just before a wait does not end it


@dataclass(eq=False)
class Run:
    """One command's orders, and why the last of them may not have been begun."""

    maker: Maker
    refusal: CliError | None = field(default=None, init=False)  # of everything that would follow
    interrupted: bool = field(default=False, init=False)

    def of(self, wanted: Sequence[Order], parallel: int) -> list[Outcome]:
        """Make them all; return how each ended, in their order."""
        pool = ThreadPoolExecutor(max(min(parallel, len(wanted)), 1))
        futures = [pool.submit(self._one, order) for order in wanted]
        cancel = self._waited(futures)
        outcomes = [each.result() for each in futures]
        pool.shutdown()
        left = [each for each in outcomes if each.status == "left" and each.task_id]
        if cancel:
            self._cancel(left)
        for outcome in left:
            self.maker.display.end(outcome)
        return outcomes

    def exit_code(self, outcomes: Sequence[Outcome]) -> int:
        """Return the code that docs/cli.md tells of."""
        if self.interrupted:
            return INTERRUPTED
        if self.refusal:
            return self.refusal.exit_code
        return int(any(each.status != "completed" for each in outcomes))

    def _waited(self, futures: Sequence[Future[Outcome]]) -> bool:
        """Wait until all ended; return whether Ctrl-C means that what runs is to be cancelled."""
        try:
            _wait_for_all(futures)
        except KeyboardInterrupt:
            choice = self.maker.display.ask()
            if choice == GO_ON:
                return self._waited(futures)
            self.interrupted = True
            self.maker.api.clock.stop.set()
            try:
                _wait_for_all(futures)
            except KeyboardInterrupt:
                os._exit(INTERRUPTED)  # once more: whatever a request is still waiting for
            return choice == CANCEL
        return False

    def _one(self, order: Order) -> Outcome:
        outcome, display = Outcome(order=order, status="left"), self.maker.display
        if self.refusal or self.maker.api.clock.stop.is_set():
            return outcome
        display.begin(order)
        try:
            self.maker.make(order, outcome)
        except Stopped:
            outcome.status = "left"
        except (Unreachable, Unwritable) as exc:
            outcome.status, self.refusal = "left", self.refusal or exc
            self.maker.api.clock.stop.set()  # what runs can be looked at, or kept, no more either
        except CliError as exc:
            if isinstance(exc, ApiError) and exc.of_the_account:
                self.refusal = self.refusal or exc  # order nothing more; wait for what is ordered
            else:
                outcome.status, outcome.problem = "failed", f"{exc} {exc.next_step}".rstrip()
        except OSError as exc:
            outcome.status, outcome.problem = "failed", f"{exc.filename}: {exc.strerror}"
        if outcome.status != "left" or not outcome.task_id:  # else it may be cancelled yet
            display.end(outcome)
        return outcome

    def _cancel(self, left: Sequence[Outcome]) -> None:
        api = self.maker.api
        api.clock.stop.clear()
        for outcome in left:
            try:
                api.delete(f"/api/v1/tasks/{outcome.task_id}")
                outcome.status, outcome.problem = "cancelled", "cancelled"
                outcome.task = tasks.read(api, outcome.task_id)
                outcome.problem = tasks.failure(outcome.task)
            except CliError as exc:  # it ended meanwhile, or nobody answers
                outcome.problem = outcome.problem or str(exc)


def _wait_for_all(futures: Sequence[Future[Outcome]]) -> None:
    while wait_for(futures, timeout=HEARD_WITHIN_SECONDS).not_done:
        pass
