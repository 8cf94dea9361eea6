import base64
import io
import json

import httpx
import pytest
from PIL import Image

from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.accounts.rate_limits import Quota
from videoapi.aws.presigned import Link
from videoapi.errors import ImageLost, NotFound, RateLimited, ServiceError, ValidationError
from videoapi.net.downloads import Fetcher
from videoapi.providers.openai_images import OpenAIImages
from videoapi.usecases.image_generation import MAX_INLINE, ImageGeneration, ImageRequest

CALLER = ApiKey("anonymous", Limits())


def png(size=(64, 64), *, noise=False):
    out = io.BytesIO()
    image = Image.effect_noise(size, 100) if noise else Image.new("RGB", size, "blue")
    image.save(out, "PNG")
    return out.getvalue()


class Bucket:
    def __init__(self):
        self.objects = {}

    def put(self, key, body, content_type):
        self.objects[key] = (body, content_type)


class NoLimits:
    def admit_image(self, _key, _now):
        return Quota()


class UsedUp:
    def admit_image(self, _key, _now):
        raise RateLimited("This key may submit 1 times a minute.")


class Presigner:
    def to(self, key, *, now):
        return Link(f"https://bucket.example/{key}?signed", now + 60)


def generation(answer, bucket=None, base_url="https://images.example", limiter=None, allowed=()):
    endpoint = OpenAIImages(
        transport=httpx.MockTransport(answer),
        fetcher=Fetcher(allow_private=False, transport=httpx.MockTransport(answer)),
        base_url=base_url,
        key=lambda: "image-key",
    )
    return ImageGeneration(
        make=endpoint.make if base_url else None,
        files=bucket or Bucket(),
        links=Presigner(),
        limiter=limiter or NoLimits(),
        model="drawer",
        allowed_models=allowed,
    )


def drawing(data):
    text = base64.b64encode(data).decode()
    return lambda _: httpx.Response(200, json={"data": [{"b64_json": text}]})


def generate(answer, bucket=None, **fields):
    wanted = ImageRequest(**{"prompt": "a mountain", **fields})
    return generation(answer, bucket).generate(wanted, CALLER, lambda: 100.0).body


def test_image_is_stored_in_the_callers_folder():
    """The image is kept in the caller's own folder and handed out both ways."""
    bucket, data = Bucket(), png()
    body = generate(drawing(data), bucket)
    ((key, kept),) = bucket.objects.items()
    assert kept == (data, "image/png")
    assert key.startswith("images/anonymous/")
    assert body == {
        "image_url": f"https://bucket.example/{key}?signed",
        "image_b64": base64.b64encode(data).decode(),
        "service": "openai",
        "duration": 0.0,
    }


def test_a_large_image_is_handed_out_as_a_url_alone():
    data = png((1900, 1900), noise=True)
    assert len(data) > MAX_INLINE
    assert generate(drawing(data))["image_b64"] is None


@pytest.mark.parametrize("base_url", ["https://images.example", "https://images.example/v1/"])
def test_only_the_callers_words_go_to_the_url_with_the_key(base_url):
    """Only what the caller said is sent to the one URL that knows the key."""
    seen = []

    def answer(request):
        seen.append(request)
        return drawing(png())(request)

    wanted = ImageRequest(prompt="a mountain", width=1920, height=1080, quality="high", seed=7)
    generation(answer, base_url=base_url).generate(wanted, CALLER, lambda: 0.0)
    assert str(seen[0].url) == "https://images.example/v1/images/generations"
    assert seen[0].headers["authorization"] == "Bearer image-key"
    assert json.loads(seen[0].content) == {
        "model": "drawer",
        "prompt": "a mountain",
        "n": 1,
        "size": "1920x1080",
        "quality": "high",
        "seed": 7,
    }


def broken(_):
    message = "refused"
    raise httpx.ConnectError(message)


def answering(status=200, **content):
    return lambda _: httpx.Response(status, **content)


NO_PICTURE = {
    "no picture": drawing(b"no picture"),
    "no image": answering(json={"data": []}),
    "no base64": answering(json={"data": [{"b64_json": "!"}]}),
}


@pytest.mark.parametrize("response", NO_PICTURE.values(), ids=NO_PICTURE)
def test_maybe_paid_image_invites_no_retry(response):
    with pytest.raises(ImageLost) as failed:
        generate(response)
    assert (failed.value.retryable, failed.value.retry_after) == (False, None)


def test_paid_image_that_was_not_stored_invites_no_retry():
    """Nobody is told to ask again for a paid image that could not be stored."""

    class Full:
        def put(self, *_):
            error = ServiceError("The file store does not answer just now. Try again.")
            error.add_note("S3: SlowDown")
            raise error

    with pytest.raises(ServiceError) as failed:
        generate(drawing(png()), Full())
    assert not failed.value.retryable
    assert failed.value.__notes__ == ["S3: SlowDown"]


def test_where_no_endpoint_is_set_up_the_route_is_not_there():
    wanted = ImageRequest(prompt="a mountain")
    with pytest.raises(NotFound, match="No images endpoint"):
        generation(broken, base_url="").generate(wanted, CALLER, lambda: 0.0)


def test_a_key_that_has_used_up_its_minute_costs_no_image():
    asked = []
    busy = generation(asked.append, limiter=UsedUp())
    with pytest.raises(RateLimited, match="a minute"):
        busy.generate(ImageRequest(prompt="a mountain"), CALLER, lambda: 0.0)
    assert asked == []


@pytest.mark.parametrize(
    ("allowed", "model"), [((), "any"), (("a", "b"), "b"), (("a",), "drawer"), (("a",), None)]
)
def test_model_that_may_be_named_is_asked_for(allowed, model):
    seen = []

    def answer(request):
        seen.append(json.loads(request.content)["model"])
        return drawing(png())(request)

    wanted = ImageRequest(prompt="a mountain", model=model)
    generation(answer, allowed=allowed).generate(wanted, CALLER, lambda: 0.0)
    assert seen == [model or "drawer"]


def test_forbidden_model_costs_no_image_and_no_limit():
    asked = []
    closed = generation(asked.append, limiter=UsedUp(), allowed=("a", "drawer", "b"))
    with pytest.raises(ValidationError, match="model: this service offers drawer, a, b") as caught:
        closed.generate(ImageRequest(prompt="a mountain", model="c"), CALLER, lambda: 0.0)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert caught.value.details[0]["message"] == "this service offers drawer, a, b"
    assert asked == []


def test_endpoint_and_link_share_the_gateways_time():
    """22 s; a link that comes after all of them is not followed."""
    times = iter([0.0, 0.0, 22.0])
    link = answering(json={"data": [{"url": "https://93.184.216.34/image.png"}]})
    with pytest.raises(ServiceError) as failed:
        generation(link).generate(ImageRequest(prompt="a fox"), CALLER, lambda: next(times))
    assert not failed.value.retryable
