"""POST /api/v1/videos/generate and POST /v1/videos: accept a wish in either dialect."""

from aws_lambda_powertools.event_handler import Response

from videoapi import caller, requests, responses, services
from videoapi.http import NO_STORE, answer
from videoapi.json_bodies import read_json
from videoapi.submission import Submitted

api = services.api()
links = services.links()
submissions = services.submissions()


@api.post("/api/v1/videos/generate")
def generate() -> Response[str]:
    """Submit in the document's dialect."""
    done = _submit(requests.from_rest(read_json(api.json_body()), api.settings))
    where = {"Location": f"/api/v1/tasks/{done.task.task_id}"}
    return answer(responses.submitted(done.task), 202, NO_STORE | where | done.headers)


@api.post("/v1/videos")
def create() -> Response[str]:
    """Submit in the OpenAI dialect, as JSON or as a form."""
    if api.media_type == "multipart/form-data":
        wish = requests.from_form(api.body(), api.headers["content-type"], api.settings)
    else:
        wish = requests.from_openai(read_json(api.json_body()), api.settings)
    done = _submit(wish)
    return api.video(done.task, links, done.headers)


def _submit(wish: requests.Submission) -> Submitted:
    how = responses.stored_dialect(api.headers, api.settings, wish.dialect), api.received_at
    return submissions.submit(wish, caller.caller_of(api.headers, api.key, api.clock(), *how))


handler = api.handle
