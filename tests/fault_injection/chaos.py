"""Workers killed at random moments, from outside, for as long as a block runs."""

import random
import threading
from contextlib import contextmanager

MAX_DEATHS = (
    3  # deaths of one task by chance: after five receives its message is rightly a dead letter
)


@contextmanager
def chaos(fault_stack, *, every, at_most, seed=4):
    """Kill a busy worker every so many seconds; yields the list of tasks that lost theirs."""
    struck, done = [], threading.Event()
    chosen = random.Random(seed)  # noqa: S311 — whom it hits

    def run():
        while not done.wait(every) and len(struck) < at_most:
            busy = sorted(
                (pid, task)
                for pid, task in fault_stack.journal.busy().items()
                if struck.count(task) < MAX_DEATHS
            )
            if busy:
                pid, task = chosen.choice(busy)
                fault_stack.kill(pid, task, where="chaos")
                struck.append(task)

    thread = threading.Thread(target=run, name="chaos")
    thread.start()
    try:
        yield struck
    finally:
        done.set()
        thread.join()
