"""What was spent is what is billed and what the ledger says, whoever died meanwhile."""

import time
from collections import Counter

from tests.fault_injection.stack import PRICE_USD
from videoapi.domain.ids import is_task_id

PRICE = round(float(PRICE_USD) * 1_000_000)
SETTLE_SECONDS = 60  # until the last jobs of cancelled tasks were seen to end


def micros(usd):
    return round(usd * 1_000_000)


def test_each_task_of_a_rush_spent_what_it_is_billed(rush, running):
    billed = Counter()
    for job in running.relay()["jobs"]:
        billed[job["key"]] += micros(job["billed_usd"])
    for name, task in rush.tasks:
        if task["cost"]["final"]:
            assert micros(task["cost"]["actual"]) == billed[name], name
        else:
            assert task["error"]["maybe_charged"], name
            assert billed[name] in (0, PRICE), name


def test_ledger_is_the_sum_of_all_tasks(rush, running):
    """Tombstones too, and whatever else the tests before this one did to the stack."""
    assert rush.tasks
    end = time.monotonic() + SETTLE_SECONDS
    while (found := sums(running))[0] != found[1] and time.monotonic() < end:
        time.sleep(1)
    recorded, counted = found
    assert recorded == counted
    days = running.api.get("/api/v1/usage").json()["days"]
    assert sum(micros(day["usd_spent"]) for day in days) == recorded["spent"] > 0


def sums(running):
    """Return what the ledger says, and what the tasks themselves do."""
    recorded, counted = Counter(), Counter()
    for item in running.items():
        if item["task_id"].startswith("usage#anonymous#"):
            recorded.update({name: item.get(name, 0) for name in ("spent", "committed")})
        elif is_task_id(item["task_id"]):
            actual = item.get("cost_actual")
            counted["spent"] += actual or 0
            counted["committed"] += item.get("cost_reserved", 0) if actual is None else actual
    return recorded, counted
