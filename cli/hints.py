"""Where to look when a task failed for a reason that only the operator can repair."""

#: By error code; the setting's name when deployed is the same in CamelCase.
HINTS = {
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


def hint(code: str, relay: str) -> str | None:
    """Return what to look at, None where the caller alone can do something; `relay` is its URL."""
    return HINTS[code].format(relay=relay or "the relay") if code in HINTS else None
