"""The ledger is the sum of the tasks, whatever happens, and no cap is exceeded by what it holds."""

from collections import Counter
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.properties.test_life import SUBMISSION, WHICH, WRITES, Life, TestLife
from tests.support.ledgers import ledger_of, sums_of
from tests.support.simulation import OWNER
from tests.support.stepping import SteppingSimulation
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.domain import ledger
from videoapi.domain.tasks import OPEN, Status
from videoapi.domain.timestamps import epoch
from videoapi.errors import Conflict, PaymentRequired, ServiceError
from videoapi.usecases.submission import Caller

PRICE = 300_000  # micro-dollars, of a video
DEARER = 450_000
CAP = 1_000_000  # three videos
MIDNIGHT = epoch("2026-01-12T00:00:00Z")


class Money(Life):
    """One priced relay, an owner with a cap, a second one without, and a budget of the stack."""

    @initialize(takes=st.sampled_from([1.0, 20.0, 100.0]), budget=st.sampled_from([0, 1.5]))
    def begin(self, takes, budget):
        self.sim = SteppingSimulation(
            *self.routes,
            veo3_ambiguous_submit=self.policy,
            video_generation_retry_delay=2.0,
            video_task_timeout=600,
            video_price_usd=PRICE / 10**6,
            daily_budget_usd=budget,
        )
        self.sim.clock.now = MIDNIGHT - 300
        self.sim.relay.takes = takes
        self.seen, self.accepted = {}, set()
        self.price_rose = False
        self.submit(0)

    @rule(which=WHICH, capped=st.booleans())
    def submit(self, which, *, capped=True):
        owner = OWNER if capped else "free"
        limits = Limits(usd_per_day=CAP) if capped else Limits()
        caller = Caller(
            key=ApiKey(owner, limits), now=self.sim.clock(), idempotency_key=f"key {which}"
        )
        with suppress(ServiceError, Conflict, PaymentRequired):
            self.accepted.add(self.sim.submissions.submit(SUBMISSION, caller).task.task_id)

    @rule(which=WHICH, seconds=st.sampled_from([0, 43, 700]))
    def another_order(self, which, seconds):
        """Submit under a key that nobody has used yet."""
        self.sim.clock.advance(seconds)
        self.submit(4 + which + len(self.tasks))

    @rule()
    @precondition(lambda self: self.sim.clock() < MIDNIGHT)
    def midnight_passes(self):
        self.sim.clock.advance(MIDNIGHT + 1 - self.sim.clock())

    @rule(kind=st.sampled_from(["cancelled", "deleted", "job ended"]))
    def lose_the_answer_of_an_end(self, kind):
        self.sim.at_event[f"{kind} written"] = self._fail

    @rule()
    @precondition(lambda self: not self.price_rose)
    def price_rises(self):
        """Let the operator correct a price that was too low: later bills exceed their reserve."""
        self.price_rose = True
        object.__setattr__(self.sim.settings, "video_price_usd", DEARER / 10**6)
        self.sim.submissions.relay_price_micros = DEARER

    @invariant()
    def ledger_is_the_sum_of_the_tasks(self):
        assert ledger_of(self.sim.store) == sums_of(self.sim.store)

    @invariant()
    def no_cap_is_exceeded_by_what_is_reserved(self):
        over = Counter()
        for row in self.sim.store.rows.values():
            more = max(row.get("cost_actual", 0) - row.get("cost_reserved", 0), 0)
            over[ledger.owner_key(row["owner"], ledger.day_of(row["created_at"]))] += more
            over[ledger.stack_key(ledger.day_of(row["created_at"]))] += more
        for key, item in self.sim.store.ledger.items():
            if "cap" in item:
                assert item["committed"] <= item["cap"] + over[key]

    def teardown(self):
        super().teardown()
        if not hasattr(self, "sim"):
            return
        self.sim.idle(900)
        self.ledger_is_the_sum_of_the_tasks()
        self.no_cap_is_exceeded_by_what_is_reserved()
        self.what_a_task_cost_is_what_the_relay_bills()

    def what_a_task_cost_is_what_the_relay_bills(self):
        prices = (PRICE, DEARER) if self.price_rose else (PRICE,)
        for task_id in self.tasks:
            row = self.sim.store.rows[task_id]
            assert row["status"] not in OPEN
            # At its deadline a job may hand out a video after all, whatever it was about to say.
            jobs = len(self.sim.paid(task_id)) or int(row["status"] is Status.COMPLETED)
            if "cost_actual" in row:
                assert row["cost_actual"] in [jobs * price for price in prices]
            else:
                assert row["cost_reserved"] >= jobs * PRICE


class GenerousMoney(Money):
    """`VEO3_AMBIGUOUS_SUBMIT=retry`: a repeat reserves anew, or ends the task."""

    policy = "retry"

    @rule(write=st.sampled_from(WRITES))
    def order_is_lost(self, write):
        with suppress(IndexError):
            self.trouble_with_the_next_order("lost, taken")
        self.lose_the_answer(write)


TestMoney, TestGenerousMoney = Money.TestCase, GenerousMoney.TestCase
TestMoney.settings = settings(TestLife.settings, max_examples=150)
TestGenerousMoney.settings = settings(TestLife.settings, max_examples=150)
del TestLife
