"""`make usage` and `make reconcile`, on moto as on a deployed stack."""

import json
import time

import boto3
import pytest

from tests.support.task_factory import new_task
from videoapi.aws.expressions import encode
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp
from videoapi_cli.operator.operations import read
from videoapi_cli.operator.stack import Deployed

NOW = time.time()


@pytest.fixture
def operate(services, capsys):
    stack = Deployed(boto3.Session(), None, {"TasksTableName": services.table}, retention_hours=48)

    def run(*arguments):
        options = read(list(arguments))
        code = options.run(stack, options)
        return code, capsys.readouterr().out

    return run


def keep(services, owner, day, **numbers):
    item = {"task_id": f"usage#{owner}#{day}", "expires_at": 2_000_000_000, **numbers}
    services.dynamodb.put_item(TableName=services.table, Item=encode(item))


def test_usage_shows_a_row_for_each_owner_and_day_and_their_sums(operate, services):
    numbers = {"completed": 2, "seconds": 16, "spent": 500_000, "committed": 750_000}
    keep(services, "anna", "2026-03-02", **numbers)
    keep(services, "anna", "2026-03-01", **numbers)
    keep(services, "bert", "2026-03-02", failed=1)
    keep(services, "anna", "2026-02-28", **numbers)
    keep(services, "", "2026-03-02", **numbers)
    services.store.create(new_task())
    code, output = operate("usage", "--from", "2026-03-01", "--to", "2026-03-31")
    assert code is None
    assert [line.split() for line in output.splitlines()] == [
        ["date", "owner", "completed", "failed", "cancelled", "seconds", "spent", "reserved"],
        ["2026-03-01", "anna", "2", "0", "0", "16", "0.500000", "0.250000"],
        ["2026-03-02", "anna", "2", "0", "0", "16", "0.500000", "0.250000"],
        ["2026-03-02", "bert", "0", "1", "0", "0", "0.000000", "0.000000"],
        ["total", "anna", "4", "0", "0", "32", "1.000000", "0.500000"],
        ["total", "bert", "0", "1", "0", "0", "0.000000", "0.000000"],
        ["total", "4", "1", "0", "32", "1.000000", "0.500000"],
    ]


def test_usage_is_of_this_month_so_far_unless_it_is_said(operate, services):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert operate("usage") == (None, f"Nothing from {today[:8]}01 to {today}.\n")
    keep(services, "anna", today, completed=1)
    assert operate("usage")[1].splitlines()[1].startswith(f"{today}  anna ")
    (day,) = json.loads(operate("usage", "--json")[1])["days"]
    assert (day["date"], day["owner"]) == (today, "anna")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "2026-03-02", "--to", "2026-03-01"], "2026-03-02 is after 2026-03-01"),
        (["--from", "March"], "March is no day: say YYYY-MM-DD"),
    ],
)
def test_days_that_are_none_are_refused_in_words(operate, arguments, words):
    with pytest.raises(ValueError, match=words):
        operate("usage", *arguments)


def test_reconcile_reads_every_task_and_says_what_is_wrong(operate, services, tmp_path):
    fields = {"provider": "relay", "attempts": 1, "cost_actual": 250_000}
    for number in range(3):
        done = new_task(status=Status.COMPLETED, upstream_id=f"video:{number}", **fields)
        services.store.create(done)
    bill = tmp_path / "bill.csv"
    rows = [f"video:{number},{timestamp(NOW)},0.25" for number in range(3)]
    bill.write_text("\n".join(["job_id,time,amount", *rows]))
    code, well = operate("reconcile", str(bill))
    assert (code, well.splitlines()[0]) == (0, "3 rows, $0.750000; the tasks of 3 are known.")
    old, new = (timestamp(NOW - hours * 3600) for hours in (49, 47))
    bill.write_text("\n".join([*bill.read_text().splitlines(), f"a,{old},1", f"b,{new},2"]))
    code, wrong = operate("reconcile", str(bill))
    assert code == 1
    told = json.loads(operate("reconcile", str(bill), "--json")[1])
    assert (told["rows"], told["known"], len(told["wrong"])) == (5, 3, 1)
    assert "1 rows, $1.000000, could not be judged" in wrong
    assert f"b  {new}  $2.000000" in wrong
