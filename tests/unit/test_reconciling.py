"""A provider's bill, as spreadsheets write it, held against the tasks."""

import pytest

from tests.support.task_factory import new_task
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp
from videoapi_cli.operator.bill import Row, read_bill
from videoapi_cli.operator.reconciling import MAX_LINES, reconcile, report_lines

NOW = 1_768_127_400.0  # 2026-01-11T10:30:00Z
TIME = "2026-01-11T10:30:00Z"
PRICE = 250_000
TIMEOUT = 1_800
OPERATION = "projects/p/locations/us-central1/publishers/google/models/m/operations/0a1b-2c"
HEADER = "job_id,time,amount\n"
ALL_IS_WELL = "All is well."


@pytest.fixture
def bill(tmp_path):
    def read(content):
        path = tmp_path / "bill.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_bill(str(path))

    return read


def task(job="video:1", *, cost=PRICE, provider="relay", at=NOW, **fields):
    usual = {
        "status": Status.COMPLETED,
        "provider": provider,
        "upstream_id": job,
        "accepted_at": timestamp(at),
        "attempts": 1,
        "cost_actual": cost,
    }
    return new_task(now=at, **usual | fields)


def lost(*, at=NOW, **fields):
    log = {"attempt_log": [f"{timestamp(at)} relay:veo_3_1"]}
    return task(None, cost=None, status=Status.FAILED, at=at, **log | fields)


def row(job="video:1", amount=PRICE, at=NOW):
    return Row(job, at, amount)


def judged(rows, *tasks, kept_from=0.0):
    found = reconcile(rows, tasks, kept_from=kept_from, timeout=TIMEOUT)
    lines = list(report_lines(found, rows))
    assert (lines[-1] == ALL_IS_WELL) is (not found.wrong)
    return found.notes, {advice.partition(".")[0]: each for advice, each in found.wrong.items()}


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}video:1,{TIME},0.25",
        f"\ufeff{HEADER}video:1,{TIME},0.25\n",
        f'"job_id","time","amount"\r\n"video:1","{TIME}","0.250000"\r\n\r\n',
        f"\n\n{HEADER}\n,,\nvideo:1,{TIME},$0.25\n\n",
        "amount;Job ID;sku; TIME\n0.25;video:1;veo;2026-01-11T11:30:00+01:00\n",
        "time\tamount\tjob_id\n1768127400\t0.25 USD\tvideo:1\n",
        f"{HEADER}video:1, 2026-01-11 10:30:00, 0.25",
        f"{HEADER}video:1,20260111T103000,0.25",
        f"{HEADER}video:1,1768127400.0,0.25",
    ],
)
def test_bill_is_read_in_whatever_form_it_is_saved(bill, content):
    assert bill(content) == [Row("video:1", NOW, PRICE)]


def test_day_in_digits_is_no_second_of_1970(bill):
    assert bill(f"{HEADER}a,20260111,1")[0].time == bill(f"{HEADER}a,2026-01-11,1")[0].time


def test_bills_rows_are_read_to_the_micro_dollar_and_by_time(bill):
    rows = bill(f"{HEADER}b,1768127401,0.069504\na,1768127400,-1.0000004\n")
    assert rows == [Row("a", NOW, -1_000_000), Row("b", NOW + 1, 69_504)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("job_id,amount\n", "see time"),
        ("job_id,job_id,time,amount\n", "see job_id"),
        (f"{HEADER},{TIME},1", "line 2: it has no job_id"),
        (f"{HEADER}a,{TIME}", "line 2: amount ''"),
        (f"{HEADER}\na,{TIME},free", "line 3: amount 'free'"),
        (f"{HEADER}a,{TIME},NaN", "line 2: amount 'NaN'"),
        (f"{HEADER}a,{TIME},1e9", "line 2: amount '1e9'"),
        (f"{HEADER}a,yesterday,1", "line 2: time 'yesterday'"),
        (f"{HEADER}a,,1", "line 2: time ''"),
        (f"{HEADER}a,1768127400123,1", "line 2: time '1768127400123'"),
        (b"\xff\xfej\x00", "no text in UTF-8"),
    ],
)
def test_what_is_no_bill_is_refused_in_words(bill, content, words):
    with pytest.raises(ValueError, match=words):
        bill(content)


@pytest.mark.parametrize(("path", "words"), [("", "BILL="), ("/no/such.csv", "cannot be read")])
def test_missing_bill_is_told_in_words(path, words):
    with pytest.raises(ValueError, match=words):
        read_bill(path)


def test_folder_is_no_bill(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_bill(str(tmp_path))


@pytest.mark.parametrize(
    ("job", "provider", "billed"),
    [
        ("video:1", "relay", "video:1"),
        (OPERATION, "vertex", OPERATION),
        (OPERATION, "vertex", "0a1b-2c"),
        ("v1_abc", "gemini", "v1_abc"),
    ],
)
def test_all_is_well_where_bill_and_tasks_agree(job, provider, billed):
    assert judged([row(billed)], task(job, provider=provider)) == ([], {})


def test_googles_label_names_a_task_whatever_its_lines():
    mine = task(OPERATION, provider="vertex")
    rows = [row(f"{mine.task_id}-1".upper(), 200_000), row(f"{mine.task_id}-1", 50_000)]
    assert judged(rows, mine) == ([], {})


def test_late_and_failed_ids_and_those_of_tombstones_are_known():
    cancelled = task(None, late_upstream_ids=["video:9"], status=Status.CANCELLED)
    deleted = task("video:2", failed_upstream_ids=["video:8"], status=Status.DELETED)
    rows = [row("video:9"), row("video:2"), row("video:8", 0)]
    assert judged(rows, cancelled, deleted) == ([], {})


def test_job_that_no_task_knows_is_wrong():
    (notes, wrong) = judged([row(), row("video:2")], task())
    assert notes == []
    assert wrong == {"Jobs that no task knows": ["video:2  2026-01-11T10:30:00.000Z  $0.250000"]}


def test_what_tasks_may_have_expired_of_cannot_be_judged():
    (note,), wrong = judged([row("video:2"), row("video:3")], kept_from=NOW + 1)
    assert note.startswith("2 rows, $0.500000, could not be judged")
    assert wrong == {}


def test_task_that_paid_twice_is_wrong():
    mine = task("video:2", failed_upstream_ids=["video:1"])
    _, wrong = judged([row("video:1"), row("video:2")], mine)
    ((line,),) = wrong.values()
    assert list(wrong) == ["Tasks that were paid more than once"]
    assert "billed $0.500000 for 2 jobs: video:1, video:2" in line


def test_refund_makes_good_what_was_paid_twice():
    mine = task("video:2", failed_upstream_ids=["video:1"])
    rows = [row("video:1"), row("video:1", -PRICE), row("video:2")]
    assert judged(rows, mine) == ([], {})


@pytest.mark.parametrize(
    ("amounts", "fields"),
    [
        ([PRICE, PRICE], {}),
        ([PRICE, PRICE, PRICE], {}),
        ([200_000, 50_000, 200_000, 50_001], {}),
        ([PRICE, PRICE], {"cost": None, "cost_estimated": PRICE}),
    ],
)
def test_job_that_is_billed_twice_is_wrong(amounts, fields):
    _, wrong = judged([row(amount=amount) for amount in amounts], task(**fields))
    assert list(wrong) == ["Jobs that the bill charges more than once"]


@pytest.mark.parametrize("amounts", [[200_000, 50_000], [83_333, 83_333, 83_333], [PRICE, 10, -20]])
def test_lines_of_one_job_that_come_to_its_cost_are_well(amounts):
    """One for each SKU, or each hour, and each rounded."""
    assert judged([row(amount=amount) for amount in amounts], task()) == ([], {})


def test_one_line_that_is_off_by_a_micro_dollar_is_told():
    _, wrong = judged([row(amount=PRICE + 1)], task())
    assert list(wrong) == ["Amounts that differ from what was recorded"]


def test_lines_of_one_job_by_its_id_and_its_label_are_well():
    mine = task(OPERATION, provider="vertex")
    assert judged([row(f"{mine.task_id}-1", 200_000), row(OPERATION, 50_000)], mine) == ([], {})


@pytest.mark.parametrize("amounts", [[PRICE, 50_000], [2 * PRICE]])
def test_lines_that_come_to_another_sum_are_a_difference(amounts):
    _, wrong = judged([row(amount=amount) for amount in amounts], task())
    assert list(wrong) == ["Amounts that differ from what was recorded"]


def test_lines_of_a_job_of_unknown_cost_are_a_note():
    assert judged([row(), row(amount=1)], task(cost=None))[1] == {}


@pytest.mark.parametrize("fields", [{"cost": PRICE + 1_000}, {"cost": 0, "status": Status.FAILED}])
def test_amount_that_differs_is_wrong(fields):
    _, wrong = judged([row()], task(**fields))
    ((line,),) = wrong.values()
    assert "billed $0.250000, recorded $0" in line


def test_cost_that_is_not_known_is_a_note():
    open_one = task("video:2", cost=None, status=Status.PROCESSING)
    notes, wrong = judged([row(), row("video:2")], task(cost=None), open_one)
    assert [note.partition(": ")[2] for note in notes] == [
        "what it cost was not known",
        "what it cost is not known yet",
    ]
    assert wrong == {}


def test_lost_order_that_was_billed_is_told_by_its_time():
    mine = lost(at=NOW - 100)
    (note,), wrong = judged([row("video:7")], mine)
    assert f"{mine.task_id}: its order of 2026-01-11T10:28:20.000Z was lost, and billed" in note
    assert wrong == {}


@pytest.mark.parametrize("stranger", [row("video:7", at=NOW + TIMEOUT + 301), row(OPERATION)])
def test_what_is_of_another_time_or_provider_is_no_lost_order(stranger):
    assert list(judged([stranger], lost())[1]) == ["Jobs that no task knows"]


@pytest.mark.parametrize("after", [-60, 301, TIMEOUT, TIMEOUT + 300])
def test_lost_order_may_be_billed_when_its_job_ended(after):
    (note,), wrong = judged([row("video:7", at=NOW + after)], lost())
    assert "was lost, and billed as video:7" in note
    assert wrong == {}


def test_lost_order_nearest_in_time_is_told_with_doubt():
    older, newer = lost(at=NOW - 900), lost(at=NOW - 30)
    (first, second), wrong = judged([row("video:7"), row("video:8", at=NOW + 1)], older, newer)
    assert first.startswith(newer.task_id)
    assert first.endswith("(or it is another one of 2 such orders)")
    assert second.startswith(older.task_id)
    assert second.endswith("the provider may still have the video")
    assert wrong == {}


def test_lost_order_of_a_task_that_went_on_is_in_its_log():
    log = [
        f"{timestamp(NOW)} relay:veo_3_1",
        f"{timestamp(NOW + 60)} upstream_submit_unknown",
        f"{timestamp(NOW + 90)} relay:veo_3_1",
    ]
    mine = task("video:2", cost=None, unknown_submits=1, attempt_log=log)
    notes, wrong = judged([row("video:1", at=NOW + 1), row("video:2", at=NOW + 91)], mine)
    assert [note for note in notes if "was lost, and billed as video:1" in note]
    assert wrong == {}


def test_unclear_order_is_billed_by_the_id_that_its_answer_named():
    """Whatever the time on the bill; another lost order of that time is not taken for it."""
    mine, other = lost(failed_upstream_ids=["video_9", "t9"]), lost(at=NOW - 600)
    rows = [row("a", 0, NOW - 900), row("video_9", at=NOW + 2 * TIMEOUT)]
    (billed, not_billed), wrong = judged(rows, mine, other, task("a", cost=0))
    assert billed.startswith(f"{mine.task_id}  relay  billed $0.250000 for video_9, whose order")
    assert billed.endswith("the provider may still have the video")
    assert not_billed.startswith(other.task_id)
    assert wrong == {}


def test_unclear_order_that_named_an_id_may_not_be_billed():
    mine, around = (
        lost(failed_upstream_ids=["t9"]),
        [row("a", 0, NOW - 600), row("b", 0, NOW + TIMEOUT + 300)],
    )
    (note,), _ = judged(around, mine, task("a", cost=0), task("b", cost=0))
    assert note.startswith(mine.task_id)
    assert note.endswith("was lost, and not billed")


def test_unclear_order_and_its_repetition_may_both_be_billed():
    log = [
        f"{timestamp(NOW)} relay:veo_3_1",
        f"{timestamp(NOW + 60)} upstream_submit_unknown",
        f"{timestamp(NOW + 90)} relay:veo_3_1",
    ]
    fields = {"unknown_submits": 1, "attempt_log": log, "failed_upstream_ids": ["video_9"]}
    rows = [row("video_9", at=NOW + 1), row("video:2", at=NOW + 91), row("a", 0, NOW + 9_000)]
    notes, wrong = judged(rows, task("video:2", cost=None, **fields), task("a", cost=0))
    assert list(wrong) == ["Tasks that were paid more than once"]
    assert notes == []


def test_unclear_order_repeated_into_the_same_job_was_not_lost():
    log = [f"{timestamp(NOW)} relay:veo_3_1", f"{timestamp(NOW + 60)} upstream_submit_unknown"]
    fields = {"unknown_submits": 1, "attempt_log": log, "failed_upstream_ids": ["video:1"]}
    mine, around = task(cost=None, **fields), [row("a", 0, NOW - 600), row("b", 0, NOW + 9_000)]
    notes, wrong = judged([around[0], row(), around[1]], mine, task("a", cost=0), task("b", cost=0))
    assert [note.partition(": ")[2] for note in notes] == ["what it cost was not known"]
    assert wrong == {}


def test_job_is_that_of_the_task_which_followed_it():
    """A refusal may name the job of another task, such as the one that keeps the account busy."""
    refused = task(None, cost=0, status=Status.FAILED, failed_upstream_ids=["video:1"])
    lost_later = lost(failed_upstream_ids=["video:1"], at=NOW + 60)
    rows = [row(), row("a", 0, NOW + 9_000)]
    (note,), wrong = judged(rows, task(), refused, lost_later, task("a", cost=0))
    assert note.startswith(lost_later.task_id)
    assert note.endswith("was lost, and not billed")
    assert wrong == {}


def test_lost_order_that_was_not_billed_is_told_in_the_end():
    mine, around = lost(), [row("a", 0, NOW - 600), row("b", 0, NOW + TIMEOUT + 300)]
    others = task("a", cost=0), task("b", cost=0)
    (note,), _ = judged(around, mine, *others)
    assert note.endswith("was lost, and not billed")
    assert judged(around[:1], mine, *others) == ([], {})


def test_order_that_no_log_tells_of_is_dated_by_its_intent():
    old = lost(attempt_log=[], intent_at=timestamp(NOW - 10), provider=None)
    (note,), _ = judged([row("video:7")], old)
    assert "2026-01-11T10:29:50.000Z was lost, and billed" in note


def test_what_was_spent_and_is_not_on_the_bill_is_wrong():
    missing, later = task("video:2"), task("video:3", at=NOW + 5)
    elsewhere, before = task(OPERATION, provider="vertex"), task("video:4", at=NOW - 86_400)
    notes, wrong = judged([row()], task(), missing, later, elsewhere, before)
    assert list(wrong) == ["Recorded as spent, and not on the bill"]
    ((line,),) = wrong.values()
    assert line.startswith(missing.task_id)
    assert notes == ["1 task(s) are later than the bill's last row: on the next one"]


def test_empty_bill_says_nothing_of_what_was_spent():
    assert judged([], task()) == ([], {})


def test_thousands_of_rows_are_told_in_a_few_lines():
    rows = [row(f"video:{n}") for n in range(5_000)]
    found = reconcile(rows, [], kept_from=0, timeout=TIMEOUT)
    lines = list(report_lines(found, rows))
    assert len(lines) == MAX_LINES + 4
    assert lines[0] == "5000 rows, $1,250.000000; the tasks of 0 are known."
    assert lines[-2:] == ["  … and 4980 more", "\n5000 thing(s) to look into."]
