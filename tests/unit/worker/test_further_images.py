"""Several images of one order: fetched, checked, upright, and in the roles that they were given."""

import io

import httpx
import pytest
from PIL import Image

from tests.support.fake_relay import CDN
from tests.support.pictures import png
from tests.support.simulation import OWNER, Simulation
from videoapi.aws.files import thumbnail_key
from videoapi.catalog.routes import Route
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.providers.provider import ImageRole
from videoapi.worker.preparation import NO_THUMBNAIL, NOT_TURNED, OrderBuilder

FIRST, LAST, THIRD = png(2, 2), png(4, 4), png(6, 6)
A, B, C = (f"inputs/{OWNER}/{name}.png" for name in "abc")
KEPT = {A: FIRST, B: LAST, C: THIRD}
VEO = Route("vertex", "veo-3.1-generate-001")


def rotated(size=(64, 32)):
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("L", size).save(out, "JPEG", exif=exif)
    return out.getvalue()


def simulation(*images):
    sim = Simulation()
    kept = dict(zip(KEPT, images, strict=False)) or KEPT
    sim.files.objects |= {key: (image, "image/png") for key, image in kept.items()}
    return sim


def sent_images(sim):
    """Return the bodies of the `input_reference` parts, in order."""
    (post,) = (each for each in sim.relay.requests if each.method == "POST")
    boundary = b"--" + post.headers["content-type"].partition("boundary=")[2].encode()
    parts = post.read().split(boundary)[1:-1]
    return [
        part.strip(b"\r\n").partition(b"\r\n\r\n")[2]
        for part in parts
        if b'name="input_reference"' in part
    ]


def references(*keys):
    return [{"role": "reference", "key": key} for key in keys]


def last(**where):
    return [{"role": "last_frame", **where}]


def test_a_relay_gets_both_frames_in_order():
    sim = simulation()
    task = sim.run(image_key=A, more_images=last(key=B))
    assert task.status is Status.COMPLETED
    assert sent_images(sim) == [FIRST, LAST]


def test_further_images_behind_urls_are_fetched_in_turn():
    sim = simulation()
    sim.cdn.extend(httpx.Response(200, content=image) for image in (FIRST, LAST))
    sim.run(image_url=f"{CDN}/first.png", more_images=last(url=f"{CDN}/last.png"))
    assert sent_images(sim) == [FIRST, LAST]


def test_an_order_gives_each_image_its_role():
    sim = simulation()
    builder = OrderBuilder(sim.settings, sim.files, fetcher=None)
    request = GenerationRequest(model="veo", prompt="x")
    task = sim.task(sim.submit(request=request, more_images=references(C, A, B)))
    order = builder.prepare(task, VEO).order
    assert [(each.role, each.data) for each in order.images] == [
        (ImageRole.REFERENCE, THIRD), (ImageRole.REFERENCE, FIRST), (ImageRole.REFERENCE, LAST)
    ]  # fmt: skip
    assert order.seconds == 8, "the only length with references"
    task = sim.task(sim.submit(request=request, image_key=A, more_images=last(key=B)))
    order = builder.prepare(task, VEO).order
    assert [each.role for each in order.images] == [ImageRole.FIRST_FRAME, ImageRole.LAST_FRAME]


def test_the_first_reference_makes_the_thumbnail():
    sim = simulation(rotated((64, 32)), LAST)
    request = GenerationRequest(model="veo_3_1-components", prompt="x")
    task = sim.run(request=request, more_images=references(A, B))
    thumbnail, _ = sim.files.objects[thumbnail_key(OWNER, task.task_id)]
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert small.size == (32, 64)


def test_every_image_arrives_upright():
    sim = simulation(FIRST, rotated())
    task = sim.run(image_key=A, more_images=last(key=B))
    with Image.open(io.BytesIO(sent_images(sim)[1])) as sent:
        assert sent.size == (32, 64)
    assert task.image_note is None


def test_an_image_that_was_not_turned_is_noted_whichever_it_is():
    sim = simulation(FIRST, rotated((50_000, 1000)))
    task = sim.run(image_key=A, more_images=last(key=B))
    assert task.image_note == NOT_TURNED
    assert NO_THUMBNAIL not in task.image_note


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"image_key": A, "more_images": last(key="inputs/gone.png")}, "last_frame: "),
        ({"image_key": "inputs/gone.png", "more_images": last(key=B)}, ""),
        ({"more_images": references(A, "inputs/gone.png")}, "reference_images.1: "),
    ],
)
def test_an_image_that_is_gone_ends_the_task_by_its_name(fields, name):
    sim = simulation()
    request = GenerationRequest(
        model="veo_3_1-components" if "image_key" not in fields else "veo_3_1", prompt="x"
    )
    task = sim.run(request=request, **fields)
    assert (task.status, task.attempts) == (Status.FAILED, 0)
    assert task.error["message"] == f"{name}The input image is gone from the bucket."
    assert not sim.relay.requests


def test_a_further_image_briefly_away_is_fetched_later():
    sim = simulation()
    sim.cdn.extend([httpx.Response(503), httpx.Response(200, content=LAST)])
    task = sim.run(image_key=A, more_images=last(url=f"{CDN}/last.png"))
    assert (task.status, task.image_failures, task.attempts) == (Status.COMPLETED, 1, 1)
    assert sent_images(sim) == [FIRST, LAST]


def test_a_further_image_at_an_inner_address_is_refused():
    sim = simulation()
    sim.address = "10.0.0.7"
    task = sim.run(image_key=A, more_images=last(url=f"{CDN}/last.png"))
    assert (task.error["code"], task.attempts) == ("invalid_image", 0)
    assert not sim.downloads
