"""POST /api/v1/videos/generate, POST /v1/videos: accept a submission in either dialect."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.idempotency import caller_of
from videoapi.api.json_bodies import read_json
from videoapi.api.openai.requests import from_form, from_openai
from videoapi.api.openai.responses import stored_dialect
from videoapi.api.replies import answer, submit_headers
from videoapi.api.rest import requests, responses
from videoapi.usecases.submission import Submission, Submitted

api, links, submissions = bootstrap.api(), bootstrap.links(), bootstrap.submissions()


@api.post("/api/v1/videos/generate")
def generate() -> Response[str]:
    """Submit in the REST dialect."""
    done = _submit(requests.from_rest(read_json(api.json_body()), api.settings))
    where = {"Location": f"/api/v1/tasks/{done.task.task_id}"}
    return answer(responses.submitted(done.task), 202, submit_headers(done) | where)


@api.post("/v1/videos")
def create() -> Response[str]:
    """Submit in the OpenAI dialect, as JSON or as a form."""
    if api.media_type == "multipart/form-data":
        done = _submit(from_form(api.body(), api.headers["content-type"], api.settings))
    else:
        done = _submit(from_openai(read_json(api.json_body()), api.settings))
    return api.video(done.task, links, submit_headers(done))


def _submit(wanted: Submission) -> Submitted:
    dialect, at = stored_dialect(api.headers, api.settings, wanted.dialect), api.received_at
    return submissions.submit(wanted, caller_of(api.headers, api.key, api.clock(), dialect, at))


handler = api.handle
