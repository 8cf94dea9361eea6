"""The functions' settings: those of `make run`, over defaults that fit this machine."""

from devstack.settings import Settings

SIMULATOR_KEY = "local-simulator-key"
_ALSO_SIMULATED = {
    "FAST_LLM": {"FAST_LLM_API_URL": "http://127.0.0.1:{port}/v1", "FAST_LLM_MODEL": "simulator"},
    "IMAGE": {"IMAGE_BASE_URL": "http://127.0.0.1:{port}"},
}


def function_settings(settings: Settings) -> dict[str, str]:
    """Return the functions' settings by variable."""
    fitting = {"PUBLIC_URL": settings.api_url, "ALLOW_ANONYMOUS": "true"}
    if settings.debug:
        fitting["POWERTOOLS_LOG_LEVEL"] = "DEBUG"
    relay = {}
    if settings.simulated:
        fitting |= {
            "VEO3_EXTRA_FIELDS": "true",
            "VEO3_RESULT_ORIGINS": f"http://127.0.0.1:{settings.upstream_files_port}",
        }
        relay = {
            "VEO3_API_KEY": SIMULATOR_KEY,
            "VEO3_BASE_URL": f"http://127.0.0.1:{settings.upstream_port}",
        }
        # The simulator plays two other services as well, unless the user has keys to real ones.
        for service, addresses in _ALSO_SIMULATED.items():
            if not settings.given.get(f"{service}_API_KEY"):
                relay |= {f"{service}_API_KEY": SIMULATOR_KEY} | {
                    name: value.format(port=settings.upstream_port)
                    for name, value in addresses.items()
                }
    # A service's address goes with its key: without one, an address in .env would be no use.
    return fitting | {name: value for name, value in settings.given.items() if value} | relay


def open_to_all(settings: Settings) -> bool:
    """Return whether callers need no API key."""
    return function_settings(settings)["ALLOW_ANONYMOUS"].lower() == "true"
