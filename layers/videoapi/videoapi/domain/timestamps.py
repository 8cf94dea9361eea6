"""Instants as text of a fixed width, and as epoch seconds."""

from datetime import UTC, datetime


def seconds_since(instant: str | None, now: float) -> float:
    """Return how long ago an instant was, in seconds; 0 when it was never."""
    return now - epoch(instant) if instant else 0.0


def timestamp(now: float) -> str:
    """Return epoch seconds as the fixed-width instant that all records use."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def epoch(instant: str) -> float:
    """Return an instant as epoch seconds."""
    return datetime.fromisoformat(instant).timestamp()
