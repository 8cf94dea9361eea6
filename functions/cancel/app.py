"""DELETE in either dialect: cancel a task (REST), or delete a video and its files (OpenAI)."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.openai import responses as openai_responses
from videoapi.api.replies import NO_STORE, json_response
from videoapi.api.rest import responses as rest_responses

api = bootstrap.api()
cancellation = bootstrap.cancellation()


@api.delete("/api/v1/tasks/<task_id>")
def cancel(task_id: str) -> Response[str]:
    """End a task; what was already paid for is said on it."""
    task = cancellation.cancel(task_id, api.caller)
    return json_response(rest_responses.cancelled(task), extra=NO_STORE)


@api.delete("/v1/videos/<task_id>")
def delete(task_id: str) -> Response[str]:
    """Remove a video, its files and its place in every list."""
    cancellation.delete(task_id, api.caller)
    return json_response(openai_responses.deleted(task_id), extra=NO_STORE)


handler = api.handle
