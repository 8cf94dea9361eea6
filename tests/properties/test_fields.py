"""Whatever is asked for is carried to the order exactly, or refused by name before any write."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pictures import png
from tests.support.simulation import Simulation
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest.requests import from_rest
from videoapi.catalog.fitting import Demand, possible
from videoapi.catalog.routes import read_routes, routes_of
from videoapi.errors import ValidationError
from videoapi.providers.provider import ImageRole
from videoapi.settings import Settings
from videoapi.usecases.caller import Caller
from videoapi.worker.preparation import OrderBuilder

IMAGES = [png(side, side) for side in (2, 4, 6, 8)]
ROUTES = read_routes(
    "veo=vertex:veo-3.1-generate-001;lite=vertex:veo-3.1-lite-generate-001;"
    "veo_3_1=relay:veo_3_1;sora=relay:sora;omni=gemini:gemini-omni-1.2-flash;both=relay:veo_3_1,vertex:veo-3.1-fast-generate-001;"
    "three=relay:veo_3_1-components,vertex:veo-3.1-generate-001,gemini:gemini-omni-1.1-flash",
    ("relay", "vertex", "gemini"),
)
ANNA = ApiKey("anna", Limits())
LENGTHS = st.integers(1, 10)
SHAPES = {
    "size": st.sampled_from(["1920x1080", "720x1280", "1080x1080", "640x360"]),
    "resolution": st.sampled_from(["720p", "1080p"]),
    "aspect_ratio": st.sampled_from(["16:9", "9:16"]),
}
COMMON = {
    "prompt": st.just("A fox"),
    "model": st.sampled_from([*ROUTES, "nowhere"]),
    "seed": st.integers(0, 2**32 - 1),
    "negative_prompt": st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
    "generate_audio": st.booleans(),
    "fps": st.integers(24, 60),
}
IMAGE = st.sampled_from([base64.b64encode(image).decode() for image in IMAGES])
SEVERAL = st.lists(IMAGE, min_size=1, max_size=3)
FURTHER = {"last_frame": IMAGE, "reference_images": SEVERAL}
REST = COMMON | FURTHER | {"image": IMAGE, "duration": LENGTHS}
REST |= {name: SHAPES[name] for name in ("resolution", "aspect_ratio")}
OPENAI = COMMON | SHAPES | FURTHER | {"input_reference": IMAGE, "seconds": LENGTHS}
FIRST = {from_rest: "image", from_openai: "input_reference"}
LENGTH = {from_rest: "duration", from_openai: "seconds"}


@pytest.mark.parametrize(("read", "fields"), [(from_rest, REST), (from_openai, OPENAI)])
@given(data=st.data(), strict=st.booleans())
@settings(max_examples=300, deadline=None)
def test_fields_are_carried_exactly_or_refused_before_a_write(read, fields, data, strict):
    asked = data.draw(st.fixed_dictionaries({}, optional=fields))
    sim = Simulation(veo3_strict_lengths=strict)
    sim.submissions.routes, sim.submissions.strict_lengths = ROUTES, strict
    caller = Caller(key=ANNA, now=sim.clock())
    try:
        task = sim.submissions.submit(read(asked, Settings()), caller).task
    except ValidationError as refusal:
        task, refused = None, refusal.param
    if task is None:
        assert refused in {*asked, "image", "prompt"}, "a field that was sent, or is missing"
        assert (sim.store.rows, sim.files.objects, sim.queue.sent) == ({}, {}, [])
        return
    routes = routes_of(ROUTES, task.request.model)
    able = possible(routes, Demand.of(task.request, task.image_roles), strict=strict)
    for route in able:
        carried(read, asked, OrderBuilder(sim.settings, sim.files, None).prepare(task, route).order)


def carried(read, asked, order):
    """Assert that an order asks for what the caller did."""
    assert (order.seed, order.generate_audio) == (asked.get("seed"), asked.get("generate_audio"))
    assert order.negative_prompt == asked.get("negative_prompt")
    images = [(ImageRole.FIRST_FRAME, asked.get(FIRST[read]))]
    images += [(ImageRole.LAST_FRAME, asked.get("last_frame"))]
    images += [(ImageRole.REFERENCE, image) for image in asked.get("reference_images", ())]
    assert [(each.role, base64.b64encode(each.data).decode()) for each in order.images] == [
        (role, image) for role, image in images if image is not None
    ]
    wanted = asked.get(LENGTH[read])
    if wanted is not None:
        assert order.seconds >= min(wanted, 8)
    width, height = (int(side) for side in order.size.split("x"))
    if "aspect_ratio" in asked:
        assert (width > height) is (asked["aspect_ratio"] == "16:9")
    if "size" in asked:
        across, down = (int(side) for side in asked["size"].split("x"))
        assert width * down == height * across
