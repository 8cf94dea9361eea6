"""GET /v1/videos/{id}/content: a redirect to where the video, or its thumbnail, is just now."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import content
from videoapi.api.replies import redirect
from videoapi.usecases.lookup import get_owned_task

api = bootstrap.api(bearer_alone=True)
store = bootstrap.store()
links = bootstrap.links()


@api.get("/v1/videos/<task_id>/content")
def download(task_id: str) -> Response[str]:
    """Redirect (307) to the file."""
    variant = content.variant_of(api.query)
    task = get_owned_task(store, task_id, api.caller)
    return redirect(content.file_link(task, variant, links, now=api.clock()).url)


handler = api.handle
