"""Receivers that hang: for a while nothing is sent to their address, and others have the room.

A host may serve many owners, so only the address itself rests, whatever its query.

Each execution environment learns by itself, as `Callbacks` tells it, and forgets when it ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SLOW_SECONDS: Final = 5.0  # that a POST may take before it counts as slow
MAX_SLOW: Final = 5  # slow ones of an address, one after the other, before it rests
REST_SECONDS: Final = 60.0
MAX_RECEIVERS: Final = 1000  # that are known at once


@dataclass(frozen=True)
class SlowReceivers:
    """Knows which addresses rest; `clock` gives epoch seconds. Threads may share it."""

    clock: Callable[[], float]
    _slow: dict[str, tuple[int, float]] = field(default_factory=dict)  # how many, and until when

    def rests_until(self, url: str) -> float | None:
        """Return when the address may be sent to again; None where it may be now."""
        _, until = self._slow.get(_address(url), (0, 0.0))
        return until if until > self.clock() else None

    def note(self, url: str, milliseconds: int) -> None:
        """Note how long it took to answer, or not to."""
        address = _address(url)
        if milliseconds < SLOW_SECONDS * 1000:
            self._slow.pop(address, None)
            return
        if len(self._slow) >= MAX_RECEIVERS:
            self._slow.clear()
        slow = self._slow.get(address, (0, 0.0))[0] + 1
        self._slow[address] = slow, self.clock() + REST_SECONDS if slow >= MAX_SLOW else 0.0


def _address(url: str) -> str:
    return url.partition("?")[0]
