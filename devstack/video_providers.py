"""The providers of `VIDEO_PROVIDERS`, and which of them the simulator plays."""

import re
from collections.abc import Mapping

_CREDENTIALS = {
    "relay": ("VEO3_API_KEY",),
    "vertex": ("GOOGLE_WORKLOAD_IDENTITY_PROVIDER", "GOOGLE_CREDENTIALS_FILE", "VERTEX_BASE_URL"),
    "gemini": ("GEMINI_API_KEY", "GEMINI_BASE_URL"),
}
"""Settings that say that a provider is the user's own, or a proxy of theirs."""
_WHERE = {
    "relay": ("VEO3_BASE_URL",),
    "vertex": ("VERTEX_BASE_URL", "GOOGLE_PROJECT"),
    "gemini": ("GEMINI_BASE_URL",),
}
"""Settings that say which one of a provider's kind it is."""


def in_use(values: Mapping[str, str]) -> list[str]:
    """Return the providers in use."""
    named = (name.strip() for name in values.get("VIDEO_PROVIDERS", "").split(","))
    return [name for name in named if name] or ["relay"]


def simulated(values: Mapping[str, str]) -> list[str]:
    """Return those without credentials to real ones, which the simulator plays."""
    return [
        name for name in in_use(values) if not any(map(values.get, _CREDENTIALS.get(name, (name,))))
    ]


def paid(values: Mapping[str, str]) -> list[str]:
    """Return those whose videos cost something."""
    played = simulated(values)
    return [name for name in in_use(values) if name not in played]


def folder_name(values: Mapping[str, str]) -> str:
    """Return a name for who makes the videos: every provider that is paid, and where it is.

    Those that are simulated are named too where another is paid: an order that waits for the
    simulator must be paid for by no later run. Empty: all are simulated.
    """
    real, used = paid(values), set(in_use(values))
    parts = [_place(name, values) for name in _WHERE if name in real]
    parts += [f"simulated-{name}" for name in _WHERE if name in used - {*real}]
    return "+".join(parts) if real else ""


def _place(provider: str, values: Mapping[str, str]) -> str:
    named = " ".join(values.get(setting, "") for setting in _WHERE[provider])
    place = re.sub(r"[^a-z0-9.]+", "-", named.lower()).strip("-.")
    if provider == "relay":  # alone it was named like this before there were others
        return place or provider
    return f"{provider}-{place}" if place else provider
