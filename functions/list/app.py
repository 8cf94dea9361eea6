"""Lists: the caller's tasks, in either dialect, and the models that a submit may name."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import listing, models
from videoapi.api.replies import NO_STORE, answer

api, store, links = bootstrap.api(), bootstrap.store(), bootstrap.links()


@api.get("/api/v1/tasks")
def tasks() -> Response[str]:
    """Return a page of tasks, newest first."""
    page = listing.rest_page(store, api.caller, api.query, now=api.clock())
    return answer(page.body, extra=NO_STORE | page.link(api.base_url))


@api.get("/v1/videos")
def videos() -> Response[str]:
    """Return a page of video objects, always in OpenAI's words."""
    words, now = api.settings.openai_status_vocabulary, api.clock()
    page = listing.openai_page(store, links, api.caller, api.query, vocabulary=words, now=now)
    return answer(page, extra=NO_STORE)


@api.get("/v1/models")
@api.get("/api/v1/models")
def offered() -> Response[str]:
    """Return the models on offer."""
    return answer(models.listed(api.settings), extra=NO_STORE)


@api.get("/v1/models/<model>")
def one(model: str) -> Response[str]:
    """Return one of them."""
    return answer(models.found(api.settings, model), extra=NO_STORE)


handler = api.handle
