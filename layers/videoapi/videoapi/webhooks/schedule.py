"""When an event is sent again that its receiver did not take."""

from typing import Final

# Seconds after each try that failed: at once, and then some 31 hours long, in eight tries.
DELAYS: Final = (10, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
MAX_TRIES: Final = len(DELAYS) + 1
JITTER: Final = 0.2  # a delay is up to this share longer, never shorter


def delay_after(tries: int, jitter: float) -> float | None:
    """Return the seconds until the next try, None after the last; `jitter` is from 0 to 1."""
    return DELAYS[tries - 1] * (1 + JITTER * jitter) if tries < MAX_TRIES else None
