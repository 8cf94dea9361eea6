"""Caps on money, on moto: reserved in the transaction that writes the task."""

import pytest

from tests.support.pictures import png
from tests.support.task_factory import new_task
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.accounts.rate_limits import Limiter
from videoapi.api.openai.requests import from_openai
from videoapi.aws.table import ConditionFailed
from videoapi.domain import attempts, endings, transitions
from videoapi.domain.ledger import reserved as ledger_entries
from videoapi.errors import PaymentRequired, RateLimited
from videoapi.metrics import Metrics
from videoapi.settings import Settings
from videoapi.usecases.caller import Caller
from videoapi.usecases.input_images import InputImages
from videoapi.usecases.submission import Submissions

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
MIDNIGHT = NOON + 12 * 3600
PRICE = 300_000
OWNERS, STACKS = "usage#alice#2026-01-01", "usage##2026-01-01"
TEN = Limits(usd_per_day=10 * PRICE + 1)
WRITE = "dynamodb:TransactWriteItems"


@pytest.fixture
def submit(services):
    """Return a function that submits for one owner, in a stack with a price and maybe a budget."""

    def submit(limits=TEN, *, now=NOON, owner="alice", price=PRICE, budget=None, **more):
        file = more.pop("file", None)
        submissions = Submissions(
            store=services.store,
            queue=services.queue,
            images=InputImages(files=services.files, links=None, allow_private=False),
            limiter=Limiter(services.store),
            metrics=Metrics(lambda *_: None),
            relay_price_micros=price,
            daily_budget=budget,
        )
        fields = {"prompt": "A fox"} | ({"input_reference": file} if file else {})
        caller = Caller(key=ApiKey(owner, limits), now=now, **more)
        return submissions.submit(from_openai(fields, Settings()), caller).task

    return submit


def ledger(services, key=OWNERS):
    return services.store.read(key) or {}


def committed(services, key=OWNERS):
    return ledger(services, key).get("committed", 0)


def end(services, task, charged):
    """End a task as its worker does."""
    change = endings.complete(task, {}, now=NOON, retention=60, charged=charged)
    change = change._replace(leaves=frozenset({task.status}), equals={})
    assert services.store.apply(task.task_id, change).cost_actual == charged


def test_fifty_at_once_under_a_cap_of_ten_videos_are_ten(submit, services):
    """Each comes while the one before puts its image: between its read and its task."""
    made, refused = [], []

    def at_once(depth):
        if depth:
            services.calls.before("s3:PutObject", lambda: at_once(depth - 1))
        try:
            made.append(submit(file=png()))
        except PaymentRequired as refusal:
            refused.append(refusal.code)

    at_once(49)
    assert (len(made), refused) == (10, ["budget_exceeded"] * 40)
    assert committed(services) == 10 * PRICE
    assert len([name for name in services.items() if name.startswith("vid_")]) == 10


def test_stacks_budget_is_of_all_owners_together(submit, services):
    for owner in ("alice", "bob"):
        submit(Limits(), owner=owner, budget=2 * PRICE)
    with pytest.raises(PaymentRequired, match="of this service") as refusal:
        submit(owner="carol", budget=2 * PRICE)
    assert "$0.6" not in str(refusal.value), "how much others spend is no caller's business"
    assert committed(services, STACKS) == 2 * PRICE
    assert committed(services, "usage#carol#2026-01-01") == 0


def test_stacks_budget_that_fills_up_after_the_read_holds(submit, services):
    services.calls.before(WRITE, lambda: submit(Limits(), owner="bob", budget=PRICE))
    with pytest.raises(PaymentRequired, match="of this service"):
        submit(Limits(), budget=PRICE)
    assert committed(services, STACKS) == PRICE


def test_refusal_says_when_the_next_day_begins(submit, services):
    with pytest.raises(PaymentRequired) as refusal:
        submit(Limits(usd_per_day=PRICE - 1))
    error = refusal.value
    assert (error.code, error.retryable, error.status) == ("budget_exceeded", False, 402)
    assert error.details == {"resets_at": "2026-01-02T00:00:00.000Z"}
    assert "$0.299999 of this key" in error.message
    assert "may cost $0.3" in error.message
    assert services.is_untouched()


def test_next_day_has_its_own_money(submit, services):
    one = Limits(usd_per_day=PRICE)
    first = submit(one, now=MIDNIGHT - 1)
    submit(one, now=MIDNIGHT)
    end(services, first, PRICE - 1)
    assert ledger(services) == {
        "task_id": OWNERS,
        "committed": PRICE - 1,
        "spent": PRICE - 1,
        "completed": 1,
        "cap": PRICE,
        "expires_at": int(NOON) - 12 * 3600 + 401 * 86_400,
    }
    assert committed(services, "usage#alice#2026-01-02") == PRICE


def test_money_that_is_set_free_can_be_committed_again(submit, services):
    one = Limits(usd_per_day=PRICE)
    task = submit(one)
    with pytest.raises(PaymentRequired):
        submit(one)
    services.store.apply(task.task_id, endings.cancel(task, now=NOON, retention=60))
    submit(one)


def test_bill_above_its_reserve_counts_against_the_next(submit, services):
    two = Limits(usd_per_day=2 * PRICE)
    task = submit(two)
    end(services, task, PRICE + 1)
    with pytest.raises(PaymentRequired):
        submit(two)


@pytest.mark.parametrize(("limits", "budget"), [(TEN, None), (Limits(), PRICE)])
def test_price_that_nobody_knows_is_refused_under_a_cap(submit, services, limits, budget):
    with pytest.raises(PaymentRequired) as refusal:
        submit(limits, price=0, budget=budget)
    assert (refusal.value.code, refusal.value.param) == ("price_unknown", "model")
    assert services.is_untouched()


def test_without_a_cap_an_unknown_price_reserves_nothing(submit, services):
    services.calls.forget_made()
    task = submit(Limits(), price=0)
    assert services.calls.made == ["dynamodb:PutItem", "sqs:SendMessage"]
    assert ledger(services) == {}
    services.store.apply(task.task_id, endings.cancel(task, now=NOON, retention=60))
    assert ledger(services)["cancelled"] == 1
    assert committed(services) == 0


def test_without_a_cap_the_ledger_is_kept_all_the_same(submit, services):
    services.calls.forget_made()
    submit(Limits())
    assert services.calls.made == [WRITE, "sqs:SendMessage"]
    assert committed(services) == PRICE


def test_cap_and_limits_are_one_read_and_one_transaction(submit, services):
    services.calls.forget_made()
    submit(TEN._replace(videos_per_day=9, tasks_alive=9), budget=10**7)
    assert services.calls.made == ["dynamodb:BatchGetItem", WRITE, "sqs:SendMessage"]


def test_replay_under_an_exhausted_cap_is_its_task(submit, services):
    one = Limits(usd_per_day=PRICE)
    first = submit(one, idempotency_key="k")
    assert submit(one, idempotency_key="k").task_id == first.task_id
    assert submit(one, idempotency_key="k", price=0).task_id == first.task_id
    services.calls.before(WRITE, lambda: submit(TEN, idempotency_key="twin"))
    two = Limits(usd_per_day=2 * PRICE)
    assert submit(two, idempotency_key="twin").task_id
    assert committed(services) == 2 * PRICE


def test_of_several_limits_the_money_is_told(submit):
    """A client would wait for the others, and in vain."""
    all_at_once = Limits(1, 1, 1, PRICE)
    submit(all_at_once)
    with pytest.raises(PaymentRequired):
        submit(all_at_once)
    with pytest.raises(RateLimited):
        submit(all_at_once._replace(usd_per_day=2 * PRICE))


def test_refused_submit_uses_no_limit_up(submit, services):
    poor = Limits(videos_per_day=1, usd_per_day=PRICE)
    services.calls.before(WRITE, lambda: submit(Limits()))
    with pytest.raises(PaymentRequired):
        submit(poor)
    assert [name for name in services.items() if name.startswith("limits#")] == []


def test_repeat_that_no_cap_has_room_for_writes_nothing(submit, services):
    task = submit(Limits(usd_per_day=2 * PRICE - 1))
    task = services.store.apply(
        task.task_id, transitions.claim("worker", now=NOON, lease_seconds=40)
    )
    change = attempts.retry_submit(task, now=NOON, again_at=NOON + 9, unknown=True)
    change = attempts.reserving(change, task, (2 * PRICE - 1, None))
    with pytest.raises(ConditionFailed, match=OWNERS):
        services.store.apply(task.task_id, change)
    assert services.store.get(task.task_id) == task
    assert committed(services) == PRICE


def test_image_and_upload_ask_no_cap(services):
    services.calls.forget()
    limiter, key = Limiter(services.store), ApiKey("alice", Limits(usd_per_day=1))
    assert limiter.admit_image(key, NOON).windows == limiter.admit_upload(key, NOON).windows == ()
    assert services.calls.made == []


def test_task_of_an_older_version_ends_and_is_counted(services):
    task = new_task(now=NOON, owner="alice")
    services.store.create(task)
    services.store.apply(task.task_id, endings.cancel(task, now=NOON, retention=60))
    found = ledger(services)
    assert (found["cancelled"], found.get("committed", 0), found.get("spent", 0)) == (1, 0, 0)


def test_video_that_costs_nothing_reserves_nothing():
    free = new_task(now=NOON, owner="alice", cost_reserved=0)
    assert ledger_entries(free, 0, (TEN.usd_per_day, None)) == ()


def test_days_first_reserve_above_its_cap_has_no_room(services):
    """Nothing is committed yet, so there is nothing to compare with."""
    task = new_task(now=NOON, owner="alice", cost_reserved=PRICE)
    for cap in (PRICE - 1, 0):
        with pytest.raises(ConditionFailed, match=OWNERS):
            services.store.create(task, *ledger_entries(task, PRICE, (cap, None)))
    assert services.items() == {}
    assert services.store.create(task, *ledger_entries(task, PRICE, (PRICE, None))) is None
