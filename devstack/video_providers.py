"""The providers of `VIDEO_PROVIDERS`, and which of them the simulator plays."""

from collections.abc import Mapping

_CREDENTIALS = {
    "relay": ("VEO3_API_KEY",),
    "vertex": (
        "GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
        "GOOGLE_CREDENTIALS_FILE",
        "VERTEX_BASE_URL",
    ),
    "gemini": ("GEMINI_API_KEY", "GEMINI_BASE_URL"),
}
"""Settings that say that a provider is the user's own, or a proxy of theirs."""


def in_use(given: Mapping[str, str]) -> list[str]:
    """Return the providers in use."""
    named = (name.strip() for name in given.get("VIDEO_PROVIDERS", "").split(","))
    return [name for name in named if name] or ["relay"]


def simulated(given: Mapping[str, str]) -> list[str]:
    """Return those without credentials to real ones, which the simulator plays."""
    return [
        name for name in in_use(given) if not any(map(given.get, _CREDENTIALS.get(name, (name,))))
    ]


def paid(given: Mapping[str, str]) -> list[str]:
    """Return those whose videos cost something."""
    played = simulated(given)
    return [name for name in in_use(given) if name not in played]
