"""Everything that needs no task: health, playground, documentation, and the 404 of all else."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import documentation, playground, replies

api, links = bootstrap.api(public=True), bootstrap.links()


@api.get("/api/v1/health")
def health() -> Response[str]:
    """Say that functions answer, and which version."""
    return replies.json_response(documentation.health(), extra=replies.NO_STORE)


@api.get("/")
@api.get("/playground/<file>")
def people(file: str = "") -> Response[str]:
    """Return the playground, or a file of it."""
    return playground.served(file, api.settings, links.origin, api.headers)


@api.get("/docs", compress=True)
def docs() -> Response[str]:
    """Return the documentation page."""
    base = documentation.served_from(api.base_url, api.headers.get("host", ""))
    page = documentation.served(base, api.settings)
    return replies.text(page, "text/html; charset=utf-8", extra=documentation.HEADERS)


@api.get("/docs.js")
@api.get("/examples/mountains.jpg")
@api.get("/openapi.json", compress=True)
def asset() -> Response[str | bytes]:
    """Return a file of the documentation as it is."""
    return Response(200, *documentation.asset(api.path), documentation.KEPT)


handler = api.handle
