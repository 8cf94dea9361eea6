"""When the API of `make run` is open: once what was kept is back, and never after its end began.

A client that retries through a restart must find its task. Before that is back the retry would be
another task, and be paid for.
"""

from threading import Lock

from botocore.exceptions import BotoCoreError, ClientError

from local.gateway import Gateway
from local.keep import Keeper


class Opening:
    """Opened by the thread that starts the stack, closed by the one that ends it, maybe first."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._keeper: Keeper | None = None
        self._closed = False
        self._lock = Lock()

    def open(self, api_id: str, keeper: Keeper | None) -> None:
        """Give back what was kept, then let requests in; once closed do neither."""
        with self._lock:
            if self._closed:
                return
            if keeper and (restored := keeper.restore()):
                print(f"Kept from the last run: {restored} items of the table.", flush=True)
            self._keeper = keeper
            self._gateway.api_id = api_id

    def close(self) -> None:
        """Answer 503 from here on, instead of functions that are ended.

        Waits for a restore to end: half of it would be saved in place of the whole.
        """
        with self._lock:
            self._closed = True
            self._gateway.api_id = ""

    def keep(self) -> None:
        """Save everything for the next start; where nothing was restored yet, that still waits."""
        if self._keeper is None:
            return
        print("Stopping: keeping tasks and files …", flush=True)
        try:
            saved = self._keeper.save()
        except (OSError, BotoCoreError, ClientError) as exc:
            print(f"Nothing is kept: {exc}. {self._keeper.used} has what this start found, if")
            print("anything; local/keep.py says why it is not taken again.", flush=True)
        else:
            print(f"Kept for the next start: {saved} items of the table.", flush=True)
