"""The documents' tables of costs and scale, and the arithmetic behind them."""

from dataclasses import replace

import pytest

from benchmarks import costs, scale
from tests.support import docs
from tools import marked_tables
from videoapi.catalog import models


@pytest.mark.parametrize("name", ["costs", "scale"])
def test_the_page_shows_what_the_script_computes(name):
    made = {"costs": costs, "scale": scale}[name].table()
    assert marked_tables.shown(docs.COSTS, name, "costs") == made, (
        "run `make costs`, and look at what changed"
    )


def test_the_worker_s_waiting_is_its_memory_times_its_time():
    # 512 MB for 1,000 s on arm64, and one request
    assert costs.invocation("WorkerFunction", 1000) == pytest.approx(0.0066667 + 2e-7)


def test_aws_price_of_a_video_is_mostly_waiting():
    """Most of a video's price at AWS is the waiting and a copy costs its way out."""
    relay, copied = costs.per_video(copied=False), costs.per_video(copied=True)
    assert max(relay, key=relay.get) == "Lambda, the worker"
    assert copied["S3 and data out"] - relay["S3 and data out"] == pytest.approx(0.0009, rel=0.1)
    assert {k: v for k, v in relay.items() if k != "S3 and data out"} == pytest.approx(
        {k: v for k, v in copied.items() if k != "S3 and data out"},
        rel=0.1,  # a copy is one more write of the task's item
    )


def test_veo_costs_a_thousand_times_more():
    assert min(costs.veo_per_video().values()) > 500 * sum(costs.per_video(copied=True).values())


def test_veo_costs_what_the_table_of_models_says():
    usd = {
        (price.resolution, price.audio): price.usd
        for price in models.find("vertex", "veo-3.1-fast-generate-001").pricing
    }
    assert costs.veo_per_video()["Veo 3.1 Fast"] == pytest.approx(8 * usd["1080p", True])


def test_no_part_of_a_month_is_free_or_negative():
    assert all(dollars > 0 for dollars in costs.per_month().values())


def test_the_first_limit_is_little_s_law():
    first = scale.limits()[0]
    assert "VideoMaxConcurrent" in first.name
    # 2 slots of 61 s: 2,900 a day if they came evenly, half of it with a peak of twice the mean
    assert first.videos == pytest.approx(2 / scale.slot() * 86_400 / 2)


def test_highest_cap_is_met_before_one_key_of_the_index():
    by_name = {limit.name.split(":")[0]: limit.videos for limit in scale.limits()}
    assert by_name["`VideoMaxConcurrent` at its highest"] < by_name["index `by_owner`, one owner"]


def test_twice_the_units_are_half_the_videos():
    limit = scale.limits()[0]
    assert replace(limit, takes=2 * limit.takes).videos == limit.videos / 2


@pytest.mark.parametrize("volume", scale.VOLUMES)
def test_named_slots_keep_waits_short(volume):
    need = scale.load(volume)
    assert need.late_wait <= scale.PATIENCE
    assert need.slots >= volume / 86_400 * scale.slot(), "Little's law"


def test_a_slot_serves_in_order_and_one_at_a_time():
    jobs = [(0.0, 10.0), (1.0, 10.0), (2.0, 10.0)]
    assert scale.waits(jobs, 1) == [0, 9, 18]
    assert scale.waits(jobs, 2) == [0, 0, 8]
    assert scale.waits(jobs, 3) == [0, 0, 0]
