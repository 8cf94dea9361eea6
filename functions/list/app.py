"""The caller's tasks, a page at a time: as tasks (REST) or as video objects (OpenAI)."""

from aws_lambda_powertools.event_handler import Response

from videoapi import listing, services
from videoapi.http import NO_STORE, answer

api = services.api()
store = services.store()
links = services.links()


@api.get("/api/v1/tasks")
def tasks() -> Response[str]:
    """Return a page of tasks, newest first."""
    page = listing.rest_page(store, api.caller, api.query)
    return answer(page.body, extra=NO_STORE | page.link(api.base_url))


@api.get("/v1/videos")
def videos() -> Response[str]:
    """Return a page of video objects, always in OpenAI's words."""
    words = api.settings.openai_status_vocabulary
    page = listing.openai_page(
        store, links, api.caller, api.query, vocabulary=words, now=api.clock()
    )
    return answer(page, extra=NO_STORE)


handler = api.handle
