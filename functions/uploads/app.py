"""POST /api/v1/uploads: a form with which an image of up to 20 MB goes to S3 itself."""

from aws_lambda_powertools.event_handler import Response

from videoapi import requests, services, uploads
from videoapi.http import NO_STORE, answer

api = services.api()
links = services.links()


@api.post("/api/v1/uploads")
def create() -> Response[str]:
    """Answer with the form and with the reference that a submit accepts as its image."""
    fields = requests.read_json(api.json_body())
    wish = requests.validated(uploads.NewUpload, fields, default_param="body")
    return answer(uploads.offer(wish, api.caller, links, now=api.clock()), 201, NO_STORE)


handler = api.handle
