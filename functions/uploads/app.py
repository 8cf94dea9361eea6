"""POST /api/v1/uploads: a form with which an image of up to 20 MB goes to S3 itself."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import validation
from videoapi.api.json_bodies import read_json
from videoapi.api.replies import NO_STORE, json_response, rate_limit_headers
from videoapi.api.rest.image_requests import NewUpload
from videoapi.usecases import uploads

api = bootstrap.api()
links = bootstrap.links()
limiter = bootstrap.limiter()


@api.post("/api/v1/uploads")
def create() -> Response[str]:
    """Answer with the form and with the reference that a submit accepts as its image."""
    fields = read_json(api.json_body())
    body = validation.validated(NewUpload, fields, default_param="body")
    now = api.clock()
    quota = limiter.admit_upload(api.key, now)
    offer = uploads.offer(api.caller, links, now=now, **body.model_dump())
    return json_response(offer, 201, NO_STORE | rate_limit_headers(quota))


handler = api.handle
