"""POST /api/v1/images/generate: make an input image."""

from aws_lambda_powertools.event_handler import Response

from videoapi import requests, services
from videoapi.http import NO_STORE, answer
from videoapi.image_generation import GenerateImage

api = services.api()
generation = services.image_generation()


@api.post("/api/v1/images/generate")
def generate() -> Response[str]:
    """Answer within the gateway's 30 s with a URL that a submit accepts as `image`."""
    fields = requests.read_json(api.json_body())
    wish = requests.validated(GenerateImage, fields, default_param="body")
    return answer(generation.generate(wish, api.caller, api.clock), extra=NO_STORE)


handler = api.handle
