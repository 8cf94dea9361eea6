"""The functions' settings: those of `make run`, over defaults that fit this machine."""

from devstack import google_credentials, video_providers
from devstack.settings import Settings

SIMULATOR_KEY = "local-simulator-key"
_ALSO_SIMULATED = {
    "FAST_LLM": {"FAST_LLM_API_URL": "http://127.0.0.1:{port}/v1", "FAST_LLM_MODEL": "simulator"},
    "IMAGE": {"IMAGE_BASE_URL": "http://127.0.0.1:{port}"},
}

_WORKLOAD_IDENTITY_PROVIDER = (
    "projects/123456789/locations/global/workloadIdentityPools/simulator/providers/simulator-aws"
)


def function_settings(settings: Settings) -> dict[str, str]:
    """Return the functions' settings by variable."""
    fitting = {
        "PUBLIC_URL": settings.api_url,
        "ALLOW_ANONYMOUS": "true",
        "WEBHOOK_ALLOW_PRIVATE": "true",
    }
    if settings.debug:
        fitting["POWERTOOLS_LOG_LEVEL"] = "DEBUG"
    simulated = {}
    if settings.simulated:
        fitting |= {
            "VEO3_EXTRA_FIELDS": "true",
            "VEO3_RESULT_ORIGINS": f"http://127.0.0.1:{settings.upstream_files_port}",
        }
        simulated = {
            "VEO3_API_KEY": SIMULATOR_KEY,
            "VEO3_BASE_URL": f"http://127.0.0.1:{settings.upstream_port}",
        }
        # The simulator plays two other services as well, unless the user has keys to real ones.
        for service, addresses in _ALSO_SIMULATED.items():
            if not settings.values.get(f"{service}_API_KEY"):
                simulated |= {f"{service}_API_KEY": SIMULATOR_KEY} | {
                    name: value.format(port=settings.upstream_port)
                    for name, value in addresses.items()
                }
    for provider in video_providers.simulated(settings.values):
        simulated |= _google(provider, settings)
    simulated |= google_credentials.credentials(settings.values)
    # A service's address goes with its key: without one, an address in .env would be no use.
    return fitting | {name: value for name, value in settings.values.items() if value} | simulated


def _google(provider: str, settings: Settings) -> dict[str, str]:
    """Return what makes the simulator one of Google's services."""
    origin = f"http://127.0.0.1:{settings.upstream_port}"
    match provider:
        case "vertex":
            return {
                "GOOGLE_PROJECT": settings.values.get("GOOGLE_PROJECT") or "simulator",
                "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": _WORKLOAD_IDENTITY_PROVIDER,
                "GOOGLE_STS_URL": f"{origin}/v1/token",
                "GOOGLE_IAM_URL": origin,
                "GOOGLE_STORAGE_URL": origin,
                "VERTEX_BASE_URL": origin,
            }
        case "gemini":
            return {"GEMINI_API_KEY": SIMULATOR_KEY, "GEMINI_BASE_URL": origin}
    return {}


def open_to_all(settings: Settings) -> bool:
    """Return whether callers need no API key."""
    return function_settings(settings)["ALLOW_ANONYMOUS"].lower() == "true"
