"""What a worker does with a task's reserve: a repeat reserves anew, a dear bill is told of."""

import httpx
import pytest

from tests.support.fakes import Crash
from tests.support.simulation import OWNER, Simulation
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.domain import endings, transitions
from videoapi.domain.ledger import day_of, owner_key
from videoapi.domain.money import micros
from videoapi.domain.tasks import Dialect, GenerationRequest, Status
from videoapi.errors import ServiceError
from videoapi.usecases.caller import Caller
from videoapi.usecases.submission import Submission
from videoapi.worker.costs import OVER_RESERVE

PRICE = 0.25
FOX = Submission(request=GenerationRequest(model="veo_3_1", prompt="A fox"), dialect=Dialect.REST)


def lost_once(*, cap=None, **settings):
    """Submit under a cap in dollars; the first order's answer is lost."""
    sim = Simulation(video_price_usd=PRICE, veo3_ambiguous_submit="retry", **settings)
    sim.relay.posts.append(httpx.ReadTimeout("no answer"))
    limits = Limits(usd_per_day=None if cap is None else micros(cap))
    caller = Caller(key=ApiKey(OWNER, limits), now=sim.clock())
    return sim, sim.submissions.submit(FOX, caller).task.task_id


def committed(sim):
    key = owner_key(OWNER, day_of(next(iter(sim.store.rows.values()))["created_at"]))
    return sim.store.ledger.get(key, {}).get("committed", 0)


@pytest.mark.parametrize("cap", [None, 0.5])
def test_repeat_reserves_what_another_order_may_cost(cap):
    sim, task_id = lost_once(cap=cap)
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)
    assert task.cost_actual is None, "nobody knows of the first order"
    assert committed(sim) == task.cost_reserved == micros(2 * PRICE)


@pytest.mark.parametrize("capped", [{"cap": 0.49}, {"daily_budget_usd": 0.49}])
def test_repeat_that_no_cap_has_room_for_ends_the_task(capped):
    sim, task_id = lost_once(**capped)
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.attempts) == (Status.FAILED, 1)
    assert task.error["code"] == "upstream_submit_unknown"
    assert committed(sim) == task.cost_reserved == micros(PRICE)


@pytest.mark.parametrize(("own", "last"), [(0.5, 9), (9, 0.5), (0.5, None)])
def test_repeat_keeps_to_the_lower_cap_of_a_names_keys(own, last):
    """Another key of the same name, with more or less to spend, was used since."""
    sim, task_id = lost_once(cap=own)
    limits = Limits(usd_per_day=None if last is None else micros(last))
    sim.submissions.submit(FOX, Caller(key=ApiKey(OWNER, limits), now=sim.clock()))
    sim.settle()
    assert sim.task(task_id).error["code"] == "upstream_submit_unknown"
    assert committed(sim) == micros(2 * PRICE)


def test_repeat_keeps_to_the_budget_of_now_and_not_of_its_submit():
    """A task that was accepted without a budget is in none."""
    sim, task_id = lost_once()
    object.__setattr__(sim.settings, "daily_budget_usd", 0.3)
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


def test_outage_while_the_cap_is_read_ends_nothing():
    sim, task_id = lost_once(cap=0.5)
    sim.at_event["posted"] = lambda: setattr(sim.store, "away_until", sim.clock() + 100)
    sim.settle()
    assert sim.task(task_id).attempts <= 2
    assert committed(sim) == sim.task(task_id).cost_reserved


def test_bill_above_its_reserve_is_told_of():
    sim = Simulation(video_price_usd=PRICE)
    task_id = sim.submit(cost_reserved=micros(PRICE) - 1)
    sim.settle()
    assert sim.task(task_id).cost_actual == micros(PRICE)
    assert [name for name, *_ in sim.measured].count("BillsOverReserve") == 1
    (logged,) = [fields for _, message, fields in sim.log.lines if message == OVER_RESERVE]
    assert (logged["reserved"], logged["actual"]) == (0.249999, 0.25)


@pytest.mark.parametrize("reserved", [micros(PRICE), None])
def test_bill_within_its_reserve_or_without_one_is_quiet(reserved):
    sim = Simulation(video_price_usd=PRICE)
    sim.submit(cost_reserved=reserved)
    sim.settle()
    assert "BillsOverReserve" not in [name for name, *_ in sim.measured]


def test_cancel_looks_again_where_a_worker_was_first():
    """What it saw as unpaid is being paid for by the time that it writes."""
    sim = Simulation(video_price_usd=PRICE)
    task_id = sim.submit(cost_reserved=micros(PRICE))

    def begin():
        sim.at_event["post"] = _die
        with pytest.raises(Crash):
            sim.generation.run(sim.message(task_id))

    sim.at_event["cancelled"] = begin
    sim.cancellation.cancel(task_id, OWNER)
    assert sim.task(task_id).cost_actual is None


def test_cancel_that_always_meets_a_worker_is_a_503():
    sim = Simulation()
    task_id = sim.submit()
    number = iter(range(100))

    def meet():
        sim.store.rows[task_id]["attempts"] = next(number) + 1
        sim.at_event["cancelled"] = meet

    sim.at_event["cancelled"] = meet
    with pytest.raises(ServiceError, match="changes too quickly"):
        sim.cancellation.cancel(task_id, OWNER)
    assert sim.task(task_id).status is Status.PENDING


def test_job_is_settled_once():
    sim = Simulation(video_price_usd=PRICE)
    task_id = sim.submit(cost_reserved=micros(PRICE), upstream_id="video:1", intent_at="now")
    sim.cancellation.cancel(task_id, OWNER)
    seen = sim.task(task_id)
    change = endings.job_ended(seen, now=sim.clock(), charged=micros(PRICE))
    assert sim.store.apply(task_id, change).cost_actual == micros(PRICE)
    assert sim.store.apply(task_id, change) is None
    again = endings.job_ended(sim.task(task_id), now=sim.clock(), charged=0)
    assert sim.store.apply(task_id, again).cost_actual == micros(PRICE)


@pytest.mark.parametrize("doubt", ["a lost order", "a late job"])
def test_job_that_may_not_be_the_only_one_settles_nothing(doubt):
    sim, lost = Simulation(), int(doubt == "a lost order")
    task_id = sim.submit(upstream_id="video:1", intent_at="now", unknown_submits=lost)
    sim.cancellation.cancel(task_id, OWNER)
    if not lost:
        sim.store.apply(task_id, transitions.accepted_late("video:2"))
    change = endings.job_ended(sim.task(task_id), now=sim.clock(), charged=1)
    assert sim.store.apply(task_id, change).cost_actual is None


def _die():
    raise Crash
