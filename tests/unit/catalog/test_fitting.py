"""What a model makes of a request, and what it is refused for."""

import pytest

from videoapi.catalog.fitting import Demand, Unsupported, fit, possible
from videoapi.catalog.routes import Route

RELAY = Route("relay", "veo_3_1")
OTHER = Route("relay", "another")
VEO = Route("vertex", "veo-3.1-generate-001")
LITE = Route("vertex", "veo-3.1-lite-generate-001")
OMNI = Route("gemini", "gemini-omni-1.2-flash")
ONE, TWO, REFERENCES = ("first_frame",), ("first_frame", "last_frame"), ("reference",) * 3
FULL_HD, HD = "1920x1080", "1280x720"


def fitted(route, *, strict=False, **demand):
    made = fit(route, Demand(**demand), strict=strict)
    return made.seconds, made.size


@pytest.mark.parametrize(
    ("route", "demand", "made"),
    [
        (VEO, {"seconds": 5, "size": HD}, (6, HD)),
        (VEO, {"seconds": 1, "size": "720x1280"}, (4, "720x1280")),
        (VEO, {"seconds": 10, "size": HD}, (8, HD)),
        (VEO, {"size": HD}, (8, HD)),
        (VEO, {"seconds": 4, "size": FULL_HD}, (8, FULL_HD)),
        (VEO, {"seconds": 4, "size": FULL_HD, "size_named": False}, (4, HD)),
        (VEO, {"seconds": 4, "size": "1080x1920", "size_named": False}, (4, "720x1280")),
        (VEO, {"size": FULL_HD, "size_named": False}, (8, FULL_HD)),
        (VEO, {"size": "1600x900"}, (8, HD)),
        (VEO, {"size": "640x360"}, (8, HD)),
        (VEO, {"size": "854x480"}, (8, HD)),
        (VEO, {"seconds": 4, "size": HD, "roles": REFERENCES}, (8, HD)),
        (VEO, {"seconds": 4, "size": HD, "roles": TWO}, (4, HD)),
        (OMNI, {"seconds": 5, "size": FULL_HD}, (5, FULL_HD)),
        (OMNI, {"seconds": 1, "size": HD}, (3, HD)),
        (OMNI, {"size": HD}, (10, HD)),
        (OMNI, {"seconds": 15, "size": HD, "roles": ONE}, (15, HD)),
        (OMNI, {"seconds": 15, "size": HD, "roles": TWO}, (10, HD)),
        (OMNI, {"size": HD, "generate_audio": True}, (10, HD)),
        (RELAY, {"seconds": 5, "size": "1000x1000"}, (5, "1000x1000")),
        (RELAY, {"size": FULL_HD, "roles": TWO}, (None, FULL_HD)),
        (OTHER, {"seconds": 5, "size": "640x640", "roles": ONE}, (5, "640x640")),
    ],
)
def test_model_makes_what_comes_nearest(route, demand, made):
    assert fitted(route, **demand) == made


@pytest.mark.parametrize("route", [RELAY, OTHER])
@pytest.mark.parametrize(
    ("seconds", "size", "made"), [(5, HD, 6), (9, HD, 8), (4, FULL_HD, 8), (None, FULL_HD, None)]
)
def test_strict_relay_is_asked_for_veos_lengths(route, seconds, size, made):
    assert fitted(route, seconds=seconds, size=size, strict=True) == (made, size)


@pytest.mark.parametrize(
    ("route", "demand", "field", "legal"),
    [
        (VEO, {"size": "1000x1000"}, "size", ("1280x720", "720x1280", "1920x1080", "1080x1920")),
        (OMNI, {"negative_prompt": True}, "negative_prompt", ()),
        (OMNI, {"generate_audio": False}, "generate_audio", ("true",)),
        (RELAY, {"seed": True}, "seed", ()),
        (RELAY, {"negative_prompt": True}, "negative_prompt", ()),
        (RELAY, {"generate_audio": True}, "generate_audio", ()),
        (RELAY, {"roles": ("reference",)}, "reference_images", ()),
        (OTHER, {"roles": TWO}, "last_frame", ()),
        (OTHER, {"seed": True}, "seed", ()),
        (LITE, {"size": HD, "roles": ("reference",)}, "reference_images", ()),
        (VEO, {"size": HD, "roles": ("reference",) * 4}, "reference_images", ()),
        (Route("gemini", "unheard-of"), {"roles": TWO}, "last_frame", ()),
    ],
)
def test_what_a_model_cannot_do_is_refused(route, demand, field, legal):
    with pytest.raises(Unsupported) as caught:
        fit(route, Demand(**demand), strict=True)
    assert (caught.value.field, caught.value.legal) == (field, legal)


def test_routes_that_cannot_do_it_are_left_out():
    demand = Demand(size=HD, seed=True)
    assert possible((RELAY, VEO, OMNI), demand, strict=False) == (VEO, OMNI)


def test_refusal_by_all_routes_names_what_any_could_do():
    square = Demand(size="1000x1000")
    with pytest.raises(Unsupported, match="1280x720, 720x1280") as caught:
        possible((VEO, LITE), square, strict=False)
    assert caught.value.legal == ("1280x720", "720x1280", "1920x1080", "1080x1920")


def test_refusal_without_a_legal_value_says_to_leave_it_out():
    with pytest.raises(Unsupported, match="leave it out"):
        possible((RELAY,), Demand(seed=True), strict=False)


@pytest.mark.parametrize(
    ("roles", "field"),
    [
        (("last_frame",), "last_frame"),
        (("first_frame", "reference"), "reference_images"),
        (("first_frame", "last_frame", "reference"), "reference_images"),
    ],
)
def test_images_that_contradict_each_other_are_refused(roles, field):
    with pytest.raises(Unsupported) as caught:
        possible((VEO,), Demand(size=HD, roles=roles), strict=False)
    assert caught.value.field == field
