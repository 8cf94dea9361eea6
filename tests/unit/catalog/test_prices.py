"""What a video costs: quoted before it is ordered, charged once its task has ended."""

from dataclasses import replace

import pytest

from tests.support.task_factory import new_task
from videoapi.catalog.fitting import Demand
from videoapi.catalog.prices import Quote, charged, ordered_seconds, quote
from videoapi.catalog.routes import Route
from videoapi.domain.money import dollars, dollars_text, micros

RELAY = Route("relay", "veo_3_1")
VEO = Route("vertex", "veo-3.1-generate-001")
FAST = Route("vertex", "veo-3.1-fast-generate-001")
LITE = Route("vertex", "veo-3.1-lite-generate-001")
OMNI = Route("gemini", "gemini-omni-1.2-flash")
NEW = Route("vertex", "veo-9")
HD, FULL_HD = "1280x720", "1920x1080"
MARGIN = 10_000 * 1.5 + 4_096 * 9
MADE = {"actual": None}


def quoted(*routes, relay=0, strict=False, **demand):
    return quote(routes, Demand(**demand), strict=strict, relay_price_micros=relay)


def ended(route, *, relay=0, unknown_submits=0, result=MADE, asked=None, **more):
    task = new_task(
        provider=route.provider, upstream_model=route.model, unknown_submits=unknown_submits
    )
    fields = {"seconds": 8, "size": HD, **(asked or {})}
    task = replace(task, request=replace(task.request, **fields))
    return charged(task, result=result, relay_price_micros=relay, **more)


@pytest.mark.parametrize(
    ("route", "demand", "price"),
    [
        (VEO, {"seconds": 8, "size": HD}, 3_200_000),
        (VEO, {"seconds": 5, "size": HD}, 2_400_000),
        (VEO, {"seconds": 4, "size": FULL_HD}, 3_200_000),
        (VEO, {"seconds": 4, "size": FULL_HD, "size_named": False}, 1_600_000),
        (VEO, {"seconds": 8, "size": HD, "generate_audio": True}, 3_200_000),
        (VEO, {"seconds": 8, "size": HD, "generate_audio": False}, 1_600_000),
        (FAST, {"seconds": 8, "size": FULL_HD}, 960_000),
        (FAST, {"seconds": 8, "size": "1080x1920", "generate_audio": False}, 800_000),
        (LITE, {"seconds": 6, "size": HD, "generate_audio": False}, 300_000),
    ],
)
def test_quote_is_the_price_of_what_will_be_made(route, demand, price):
    assert quoted(route, **demand) == Quote(price, price)


@pytest.mark.parametrize(
    ("demand", "price", "most"),
    [
        ({"seconds": 3, "size": HD}, 208_512, 57_920 * 12),
        ({"seconds": 5, "size": HD}, 347_520, 57_920 * 12),
        ({"seconds": 12, "size": HD}, 834_048, 834_048),
        ({"seconds": 3, "size": FULL_HD}, 312_768, 1_042_560),
        ({"size": FULL_HD}, 1_042_560, 1_042_560),
    ],
)
def test_omnis_reserve_is_a_bill_of_any_length(demand, price, most):
    """It may bill a short video as one of ten seconds; texts and thoughts come on top."""
    assert quoted(OMNI, **demand) == Quote(price, most + MARGIN)


@pytest.mark.parametrize("relay", [250_000, 0])
def test_relays_price_is_that_of_a_video(relay):
    assert quoted(RELAY, seconds=8, relay=relay) == Quote(relay or None, relay or None)


def test_quote_of_a_plain_relay_request_reads_no_table(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "videoapi.catalog.models", None)
    assert quoted(RELAY, seconds=8, relay=1) == Quote(1, 1)


def test_quote_is_the_first_routes_price_and_the_dearest_reserve():
    eight = {"seconds": 8, "size": HD, "relay": 250_000}
    assert quoted(RELAY, VEO, FAST, **eight) == Quote(250_000, 3_200_000)
    assert quoted(FAST, RELAY, **eight) == Quote(800_000, 800_000)


def test_quote_leaves_out_routes_that_cannot():
    fields = {"seconds": 8, "size": HD, "generate_audio": False}
    assert quoted(RELAY, OMNI, VEO, **fields) == Quote(1_600_000, 1_600_000)
    assert quoted(RELAY, OMNI, **fields) == Quote(None, None)


def test_one_unknown_price_makes_the_reserve_unknown():
    assert quoted(FAST, RELAY, seconds=8, size=HD) == Quote(800_000, None)
    assert quoted(RELAY, FAST, seconds=8, size=HD) == Quote(None, None)


def test_model_without_a_row_has_no_price():
    assert quoted(NEW, seconds=8, roles=("first_frame",)) == Quote(None, None)
    assert ended(NEW) is None


def test_video_costs_what_was_ordered_where_nobody_tells():
    assert ended(VEO) == 3_200_000
    assert ended(VEO, asked={"generate_audio": False}) == 1_600_000
    assert ended(FAST, result={"actual": {"seconds": None, "size": None}}) == 800_000


def test_video_costs_what_was_made():
    made = {"actual": {"seconds": 4.01, "size": FULL_HD}}
    assert ended(FAST, result=made) == 480_000


def test_what_no_model_makes_is_no_evidence():
    made = {"actual": {"seconds": 7.3, "size": "64x36"}}
    assert ended(FAST, result=made) == 800_000


def test_relays_video_costs_its_price():
    assert ended(RELAY, relay=250_000) == 250_000
    assert ended(RELAY) is None


def test_task_that_never_had_a_provider_costs_nothing():
    assert charged(new_task(), result=None, relay_price_micros=0) == 0


def test_failure_costs_nothing_unless_it_may_have_been_charged():
    assert ended(VEO, result=None) == 0
    assert ended(VEO, result=None, maybe_charged=True) is None


def test_lost_order_makes_the_sum_unknown():
    assert ended(RELAY, relay=250_000, unknown_submits=1) is None


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        ({"video_tokens": 28_960, "input_tokens": 100}, 347_520 + 150),
        ({"video_tokens": 28_960, "output_tokens": 28_960, "input_tokens": 33}, 347_520 + 50),
        ({"video_tokens": 28_960, "output_tokens": 28_970}, 347_520 + 90),
        ({"video_tokens": 28_960, "thought_tokens": 500}, 347_520 + 4_500),
        ({"output_tokens": 28_960}, 347_520),
        ({"output_tokens": 28_970, "text_tokens": 10}, 347_520 + 90),
    ],
)
def test_tokens_are_what_is_charged(usage, price):
    assert ended(OMNI, usage=usage) == price
    assert ended(OMNI, usage=usage, result=None, maybe_charged=True) == price


@pytest.mark.parametrize("words", [0, 50])
def test_input_and_words_alone_are_not_billed(words):
    """They tell of a filtered video, and Google charges for none."""
    usage = {"input_tokens": 100, "output_tokens": words, "text_tokens": words}
    assert ended(OMNI, usage=usage, result=None) == 0
    assert ended(OMNI, usage=usage) == 8 * 69_504


def test_tokens_of_a_model_not_billed_by_them_say_nothing():
    assert ended(VEO, usage={"video_tokens": 5}) == 3_200_000


def test_order_that_the_table_no_longer_knows_has_no_price():
    assert ended(OMNI, asked={"generate_audio": False}) is None


@pytest.mark.parametrize(
    ("route", "asked", "strict", "seconds"),
    [
        (VEO, {"seconds": 5, "size": HD}, False, 6),
        (OMNI, {"seconds": None}, False, 10),
        (RELAY, {"seconds": 5}, False, 5),
        (RELAY, {"seconds": 5, "size": HD}, True, 6),
        (RELAY, {"seconds": None}, False, None),
        (OMNI, {"generate_audio": False}, False, None),
    ],
)
def test_length_of_an_order_is_that_of_its_model(route, asked, strict, seconds):
    task = new_task(provider=route.provider, upstream_model=route.model)
    task = replace(task, request=replace(task.request, **asked))
    assert ordered_seconds(task, strict=strict) == seconds


def test_dollars_have_six_decimals():
    assert [dollars(3_200_000), dollars(1), dollars(0), dollars(None)] == [3.2, 1e-6, 0.0, None]
    assert micros(0.069504) == 69_504


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (12_345_678_900, "12345.6789"),
        (10_000_001, "10.000001"),
        (300_000, "0.3"),
        (100_000_000, "100"),
        (0, "0"),
    ],
)
def test_dollars_for_people_are_exact(amount, text):
    assert dollars_text(amount) == text
