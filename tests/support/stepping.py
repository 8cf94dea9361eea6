"""Workers that move only when they are told to, one step at a time.

Each is the real `Generation` in a thread of its own, but only one thread ever runs: a worker stops
at every event of its `Simulation` (before and after each effect, and in its sleep) until its next
turn. So a test decides every interleaving, and the same decisions give the same run.
"""

import threading

from tests.support.fakes import Clock, Crash
from tests.support.simulation import Simulation
from videoapi.errors import ServiceError


class Worker(threading.Thread):
    """One invocation of the worker function, for one received message."""

    def __init__(self, sim, letter):
        super().__init__(daemon=True)
        self.letter = letter
        self.lease = None
        self.stalled = False  # a paused process: its heart does not beat either
        self.done = False
        self.wakes_at = None  # while it sleeps
        self._sim = sim
        self._message = sim.message(letter.task_id, letter.receipt)
        self._turn, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._dies = False
        self._failure = None
        self.start()

    def run(self):
        self._turn.acquire()
        try:
            self._sim.generation.run(self._message)
            self._sim.queue.delete(self.letter.receipt)
        except (Crash, ServiceError):
            pass  # the message comes back
        except BaseException as exc:  # noqa: BLE001 — told to the thread of the test
            self._failure = exc
        self.done = True
        self._stopped.release()

    def step(self, *, dies=False):
        """Let it go on to its next event, or die where it is."""
        self._dies = dies
        self._turn.release()
        self._stopped.acquire()
        if self._failure is not None:
            raise self._failure

    def stop(self):
        """Wait, in its own thread, for the next turn."""
        self._stopped.release()
        self._turn.acquire()
        if self._dies:
            raise Crash


def moving():
    """Return the worker whose turn it is; None in the thread of the test."""
    thread = threading.current_thread()
    return thread if isinstance(thread, Worker) else None


class SteppingClock(Clock):
    """Made-up time that only the test moves on."""

    def sleep(self, event, seconds):
        worker = moving()
        if worker is None:
            super().sleep(event, seconds)
            return
        worker.wakes_at = self.now + seconds
        while not event.is_set() and self.now < worker.wakes_at:
            worker.stop()
        worker.wakes_at = None

    def run_heartbeat(self, lease):
        if moving():
            moving().lease = lease
        return super().run_heartbeat(lease)

    def advance(self, seconds):
        """Let time pass for everybody; the held_leases of stalled workers stand still."""
        stalled = [lease for lease in self.held_leases if lease in self.stalled()]
        alive = self.held_leases
        self.held_leases = [lease for lease in alive if lease not in stalled]
        super().advance(seconds)
        self.held_leases = alive

    def stalled(self):
        return [worker.lease for worker in self.workers if worker.stalled]


class SteppingSimulation(Simulation):
    """A deployment with several workers at once."""

    clock_type = SteppingClock

    def __init__(self, *routes, **settings):
        super().__init__(*routes, **settings)
        self.workers = self.clock.workers = []

    def at(self, event):
        super().at(event)
        if worker := moving():
            worker.stop()

    def begin(self):
        """Receive one message and put a worker on it; return it, or None."""
        letter = self.queue.receive()
        if letter is None:
            return None
        worker = Worker(self, letter)
        self.workers.append(worker)
        return worker

    def move(self, worker, *, dies=False):
        """Let a worker take one step; if it sleeps, time passes until it wakes up."""
        if worker.wakes_at is not None and not dies:
            self.clock.advance(max(worker.wakes_at - self.clock(), 0))
        worker.step(dies=dies)
        if worker.done:
            self.workers.remove(worker)
            worker.join()

    def kill(self):
        """Let every worker die where it is."""
        for worker in list(self.workers):
            self.move(worker, dies=True)
