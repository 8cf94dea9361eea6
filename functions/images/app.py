"""POST /api/v1/images/generate: make an input image."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api import validation
from videoapi.api.json_bodies import read_json
from videoapi.api.replies import NO_STORE, json_response, rate_limit_headers
from videoapi.api.rest.image_requests import GenerateImage
from videoapi.usecases.image_generation import ImageRequest

api = bootstrap.api()
generation = bootstrap.image_generation()


@api.post("/api/v1/images/generate")
def generate() -> Response[str]:
    """Answer within the gateway's 30 s with a URL that a submit accepts as `image`."""
    fields = read_json(api.json_body())
    body = validation.validated(GenerateImage, fields, default_param="body")
    made = generation.generate(ImageRequest(**body.model_dump()), api.key, api.clock)
    return json_response(made.body, extra=NO_STORE | rate_limit_headers(made.quota))


handler = api.handle
