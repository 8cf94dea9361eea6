"""Everything that needs no task: health, documentation, and the 404 of every other route."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import documentation
from videoapi.api.replies import NO_STORE, answer, redirect, text

api = bootstrap.api(public=True)


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
    base = documentation.served_from(api.base_url, api.headers.get("host", ""))
    page = documentation.page(base, keys=not api.settings.allow_anonymous)
    return text(page, "text/html; charset=utf-8", extra=documentation.HEADERS)


@api.get("/docs.js")
@api.get("/examples/mountains.jpg")
@api.get("/openapi.json")
def asset() -> Response[str | bytes]:
    """Return a file of the documentation as it is."""
    return Response(200, *documentation.asset(api.path), documentation.KEPT)


handler = api.handle
