"""POST /api/v1/images/generate: make an input image."""

from aws_lambda_powertools.event_handler import Response

from videoapi import requests, services
from videoapi.http import NO_STORE, answer
from videoapi.image_generation import ImageRequest
from videoapi.json_bodies import read_json
from videoapi.rest_bodies import GenerateImage

api = services.api()
generation = services.image_generation()


@api.post("/api/v1/images/generate")
def generate() -> Response[str]:
    """Answer within the gateway's 30 s with a URL that a submit accepts as `image`."""
    fields = read_json(api.json_body())
    body = requests.validated(GenerateImage, fields, default_param="body")
    made = generation.generate(ImageRequest(**body.model_dump()), api.key, api.clock)
    return answer(made.body, extra=NO_STORE | made.rate_limit)


handler = api.handle
