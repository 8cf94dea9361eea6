"""DELETE in either dialect: cancel a task (REST), or delete a video and its files (OpenAI)."""

from aws_lambda_powertools.event_handler import Response

from videoapi import responses, services
from videoapi.http import NO_STORE, answer

api = services.api()
cancellation = services.cancellation()


@api.delete("/api/v1/tasks/<task_id>")
def cancel(task_id: str) -> Response[str]:
    """End a task; what was already paid for is said on it."""
    task = cancellation.cancel(task_id, api.caller)
    return answer(responses.cancelled(task), extra=NO_STORE)


@api.delete("/v1/videos/<task_id>")
def delete(task_id: str) -> Response[str]:
    """Remove a video, its files and its place in every list."""
    cancellation.delete(task_id, api.caller)
    return answer(responses.deleted(task_id), extra=NO_STORE)


handler = api.handle
