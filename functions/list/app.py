"""Lists: the caller's tasks in either dialect, its days, and the models that it may name."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import listing, models, usage
from videoapi.api.replies import NO_STORE, json_response

api, store, links = bootstrap.api(), bootstrap.store(), bootstrap.links()


@api.get("/api/v1/tasks")
def tasks() -> Response[str]:
    """Return a page of tasks, newest first."""
    return listing.rest_page(store, api.caller, api.query, now=api.clock()).answer(api.base_url)


@api.get("/v1/videos")
def videos() -> Response[str]:
    """Return a page of video objects, always in OpenAI's words."""
    words, now = api.settings.openai_status_vocabulary, api.clock()
    page = listing.openai_page(store, links, api.caller, api.query, vocabulary=words, now=now)
    return json_response(page, extra=NO_STORE)


@api.get("/api/v1/usage")
def days() -> Response[str]:
    """Return what the caller's key made and spent, a row a day."""
    return json_response(usage.spent(store, api.caller, api.query, now=api.clock()), extra=NO_STORE)


@api.get("/v1/models")
@api.get("/api/v1/models")
@api.get("/v1/models/<model>")
def offered(model: str = "") -> Response[str]:
    """Return the models on offer, or the one that is named."""
    return json_response(models.one_or_all(api.settings, model), extra=NO_STORE)


handler = api.handle
