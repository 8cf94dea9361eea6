"""Where one task stands: the task, the deprecated video status, and the video object."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.replies import deprecation, json_response, status_headers
from videoapi.api.rest import responses as rest_responses
from videoapi.usecases.lookup import get_owned_task

api, store, links = bootstrap.api(), bootstrap.store(), bootstrap.links()
forecasts = bootstrap.forecasts()


@api.get("/api/v1/tasks/<task_id>")
def task(task_id: str) -> Response[str]:
    """Return the whole task."""
    found = get_owned_task(store, task_id, api.caller)
    forecast, now = forecasts.of_use_to(found), api.clock()
    body = rest_responses.rest_task(found, links, now=now, forecast=forecast)
    return json_response(body, extra=status_headers(found, now=now, forecast=forecast))


@api.get("/api/v1/videos/<task_id>")
def deprecated(task_id: str) -> Response[str]:
    """Return the flat status, which is kept for old clients."""
    found = get_owned_task(store, task_id, api.caller)
    now = api.clock()
    body = rest_responses.rest_video(found, links, now=now)
    return json_response(body, extra=status_headers(found, now=now) | deprecation(task_id))


@api.get("/v1/videos/<task_id>")
def video(task_id: str) -> Response[str]:
    """Return the video object, in the status words that its reader knows."""
    found = get_owned_task(store, task_id, api.caller)
    return api.video(found, links, forecast=forecasts.of_use_to(found))


handler = api.handle
