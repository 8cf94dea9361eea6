"""Where to look when a task failed for a reason that only the operator can repair."""

from videoapi.catalog.routes import RELAY

# By error code; the setting's name when deployed is the same in CamelCase.
_RELAY_HINTS = {
    "upstream_account_error": (
        "VEO3_API_KEY and the balance at {relay}: the relay refused the key or the account"
    ),
    "service_unavailable": (
        "VEO3_BASE_URL ({relay}) and the worker's log: the relay was away, busy, or without its key"
    ),
    "upstream_submit_unknown": (
        "the bill of {relay}: it may have taken the job, its answer was lost"
    ),
    "upstream_job_lost": "the bill of {relay}: it does not know the paid job any more",
}
_GOOGLE_HINTS = {
    "service_unavailable": "the worker's log: Google was away or busy, or gave no token",
    "upstream_submit_unknown": (
        "Google's billing export, by the label `task` (the task's id in lower case): it may have"
        " taken the job, its answer was lost"
    ),
    "upstream_job_lost": (
        "Google's billing export, by the label `task` (the task's id in lower case): it does not"
        " know the paid job any more"
    ),
}
_HINTS = {
    RELAY: _RELAY_HINTS,
    "vertex": _GOOGLE_HINTS
    | {
        "upstream_account_error": (
            "the worker's log, then GOOGLE_WORKLOAD_IDENTITY_PROVIDER or the service account's key,"
            " the billing of GOOGLE_PROJECT, and the model in VIDEO_ROUTES: Google refused one"
        )
    },
    "gemini": _GOOGLE_HINTS
    | {
        "upstream_account_error": (
            "the worker's log, then GEMINI_API_KEY (deployed: the secret GeminiApiKeySecret), its"
            " project's billing, and the model in VIDEO_ROUTES: Google refused one"
        )
    },
}


def name_of(provider: str | None) -> str:
    """Return whom a sentence about a task's provider speaks of; before any order the relay."""
    return "the relay" if (provider or RELAY) == RELAY else "Google"


def hint(code: str, provider: str | None, relay: str) -> str | None:
    """Return what to look at, None where the caller alone can do something; `relay` is its URL."""
    text = _HINTS.get(provider or RELAY, {}).get(code)
    return text and text.format(relay=relay or "the relay")
