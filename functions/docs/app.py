"""Everything that needs no task: health, documentation, and the 404 of every other route."""

from aws_lambda_powertools.event_handler import Response

from videoapi import documentation, services
from videoapi.http import JSON, NO_STORE, answer, redirect, text

api = services.api(public=True)


@api.get("/api/v1/health")
def health() -> Response[str]:
    """Say that functions answer, and which version."""
    return answer(documentation.health(), extra=NO_STORE)


@api.get("/")
def root() -> Response[str]:
    """Lead a browser to the documentation."""
    return redirect("/docs")


@api.get("/docs")
def docs() -> Response[str]:
    """Return the documentation page."""
    return text(documentation.page(), "text/html; charset=utf-8", extra=documentation.SECURITY)


@api.get("/openapi.json")
def openapi() -> Response[str]:
    """Return the OpenAPI document."""
    return text(documentation.openapi(), JSON)


handler = api.handle
