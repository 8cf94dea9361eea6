"""POST /api/v1/videos/generate, POST /v1/videos: accept a submission in either dialect."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.json_bodies import read_json
from videoapi.api.openai.requests import from_form, from_openai
from videoapi.api.replies import json_response, submit_headers
from videoapi.api.rest import requests, responses
from videoapi.api.submits import Submits

api, links = bootstrap.api(), bootstrap.links()
submits = Submits(api, bootstrap.submissions())


@api.post("/api/v1/videos/generate")
def generate() -> Response[str]:
    """Submit in the REST dialect."""
    wanted = requests.from_rest(read_json(api.json_body()), api.settings)
    if dry := submits.dry_run(wanted):
        return dry
    done = submits.submit(wanted)
    where = {"Location": f"/api/v1/tasks/{done.task.task_id}"}
    return json_response(responses.submitted(done.task), 202, submit_headers(done) | where)


@api.post("/v1/videos")
def create() -> Response[str]:
    """Submit in the OpenAI dialect, as JSON or as a form."""
    if api.media_type == "multipart/form-data":
        wanted = from_form(api.body(), api.headers["content-type"], api.settings)
    else:
        wanted = from_openai(read_json(api.json_body()), api.settings)
    if dry := submits.dry_run(wanted):
        return dry
    done = submits.submit(wanted)
    return api.video(done.task, links, submit_headers(done))


handler = api.handle
