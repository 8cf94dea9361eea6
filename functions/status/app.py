"""Where one task stands: the task, the deprecated video status, and the video object."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.replies import answer, deprecation, status_headers
from videoapi.api.rest import responses as rest_responses
from videoapi.usecases.lookup import get_owned_task

api = bootstrap.api()
store = bootstrap.store()
links = bootstrap.links()


@api.get("/api/v1/tasks/<task_id>")
def task(task_id: str) -> Response[str]:
    """Return the whole task."""
    found = get_owned_task(store, task_id, api.caller)
    now = api.clock()
    return answer(
        rest_responses.rest_task(found, links, now=now), extra=status_headers(found, now=now)
    )


@api.get("/api/v1/videos/<task_id>")
def deprecated(task_id: str) -> Response[str]:
    """Return the flat status, which is kept for old clients."""
    found = get_owned_task(store, task_id, api.caller)
    now = api.clock()
    body = rest_responses.rest_video(found, links, now=now)
    return answer(body, extra=status_headers(found, now=now) | deprecation(task_id))


@api.get("/v1/videos/<task_id>")
def video(task_id: str) -> Response[str]:
    """Return the video object, in the status words that its reader knows."""
    return api.video(get_owned_task(store, task_id, api.caller), links)


handler = api.handle
