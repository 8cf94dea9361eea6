"""Receivers that hang: for a while nothing is sent to their host, and others have the room.

Each execution environment learns by itself, as `Callbacks` tells it, and forgets when it ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

SLOW_SECONDS: Final = 5.0  # that a POST may take before it counts as slow
MAX_SLOW: Final = 5  # slow ones of a host, one after the other, before it rests
REST_SECONDS: Final = 60.0
MAX_HOSTS: Final = 1000  # that are known at once


@dataclass(frozen=True)
class SlowHosts:
    """Knows which hosts rest; `clock` gives epoch seconds. Threads may share it."""

    clock: Callable[[], float]
    _slow: dict[str, tuple[int, float]] = field(default_factory=dict)  # how many, and until when

    def rests_until(self, url: str) -> float | None:
        """Return when the host may be sent to again; None where it may be now."""
        _, until = self._slow.get(_host(url), (0, 0.0))
        return until if until > self.clock() else None

    def note(self, url: str, milliseconds: int) -> None:
        """Note how long the host took to answer, or not to."""
        host = _host(url)
        if milliseconds < SLOW_SECONDS * 1000:
            self._slow.pop(host, None)
            return
        if len(self._slow) >= MAX_HOSTS:
            self._slow.clear()
        slow = self._slow.get(host, (0, 0.0))[0] + 1
        self._slow[host] = slow, self.clock() + REST_SECONDS if slow >= MAX_SLOW else 0.0


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""  # it was checked when it came
