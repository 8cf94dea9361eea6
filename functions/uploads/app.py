"""POST /api/v1/uploads: a form with which an image of up to 20 MB goes to S3 itself."""

from aws_lambda_powertools.event_handler import Response

from videoapi import requests, services, uploads
from videoapi.http import NO_STORE, answer
from videoapi.json_bodies import read_json

api = services.api()
links = services.links()
limiter = services.limiter()


@api.post("/api/v1/uploads")
def create() -> Response[str]:
    """Answer with the form and with the reference that a submit accepts as its image."""
    fields = read_json(api.json_body())
    wish = requests.validated(uploads.NewUpload, fields, default_param="body")
    now = api.clock()
    rate_limit = limiter.admit_upload(api.key, now)
    offer = uploads.offer(wish, api.caller, links, now=now)
    return answer(offer, 201, NO_STORE | rate_limit)


handler = api.handle
