"""What `make run` keeps comes back whole, however a run ended, into whatever is deployed then."""

import json
from threading import Event, Thread
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from devstack.journal import Journal
from devstack.readiness import Readiness, summary
from devstack.settings import Settings
from devstack.snapshot import Found, Snapshot, found, readdressed, released, take_folder

MANY = 60  # more than one batch takes


@pytest.fixture
def deployments(monkeypatch):
    """Return names of the tables and buckets of two deployments, one after the other."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        for name in ("first", "second"):
            boto3.client("dynamodb").create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "task_id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "task_id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            boto3.client("s3").create_bucket(Bucket=name)
        yield ("first", "second")


@pytest.fixture
def on_batch(monkeypatch):
    """Have `act` called at each batch that the table is given; what it returns is not taken."""

    def register(act, times=3):
        calls = iter(range(times))

        def before(**_):
            left = act() if next(calls, None) is not None else None
            return left and (SimpleNamespace(status_code=200), {"UnprocessedItems": left})

        session = boto3.Session()
        session.events.register("before-call.dynamodb.BatchWriteItem", before)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    return register


def items(table):
    found = boto3.client("dynamodb").scan(TableName=table)["Items"]
    return {item["task_id"]["S"]: item for item in found}


FILES = {"videos/a/../b.mp4": b"\0\xff", "inputs/a.png": b""}


def task(number, **more):
    return {
        "task_id": {"S": f"vid_{number}"},
        "attempts": {"N": str(number)},
        "late_upstream_ids": {"L": [{"S": "ü"}]},
        **more,
    }


@pytest.fixture
def kept(tmp_path):
    """Return a folder as a run of MANY ended tasks left it."""
    journal = Journal(tmp_path / "kept").begin()
    for number in range(MANY):
        journal.put_item(f"vid_{number}", task(number))
    for key, body in FILES.items():
        journal.put_file(key, body, "a/b")
    journal.end()
    return tmp_path / "kept"


def snapshot_of(folder, name, record=lambda _: None):
    return Snapshot(folder, name, name, record)


def test_all_items_and_files_come_back(deployments, kept):
    for name in deployments:  # however often
        _, was = snapshot_of(kept, name).restore()
        assert (was.tasks, was.files) == (MANY, len(FILES))
        assert items(name) == {f"vid_{number}": task(number) for number in range(MANY)}
        for key, body in FILES.items():
            response = boto3.client("s3").get_object(Bucket=name, Key=key)
            assert (response["Body"].read(), response["ContentType"]) == (body, "a/b")


def test_changes_are_recorded_before_anything_is_given_back(deployments, kept):
    first, _ = deployments
    seen = []
    snapshot_of(kept, first, record=lambda _: seen.append(items(first))).restore()
    assert seen == [{}]


def test_partly_taken_items_fail_the_start_and_stay_kept(deployments, kept, on_batch):
    """A table that takes only a part fails the start and all is still kept."""
    first, second = deployments
    on_batch(times=1, act=lambda: {second: [{"PutRequest": {"Item": {"task_id": {"S": "vid_1"}}}}]})
    with pytest.raises(RuntimeError, match="not taken back"):
        snapshot_of(kept, second).restore()
    assert snapshot_of(kept, first).restore()[1].tasks == MANY


def job_at(url, provider="relay"):
    return task(1, provider={"S": provider}, upstream_url={"S": url})


def test_simulated_job_is_asked_for_at_the_port_of_this_run():
    before, now = "http://127.0.0.1:8001", "http://127.0.0.1:9001"
    for path in ("/v1/videos", "/v1/projects/p/locations/us-central1"):
        moved = readdressed(job_at(before + path), {"relay": now})
        assert moved == job_at(now + path)


@pytest.mark.parametrize(
    "item",
    [
        task(1),
        task(1, provider={"S": "relay"}),
        job_at("https://aiplatform.googleapis.com/v1/projects/p", "vertex"),
    ],
)
def test_other_jobs_are_asked_for_where_they_were(item):
    assert readdressed(item, {"relay": "http://127.0.0.1:9001"}) == item


NOW = "2026-11-26T12:00:00.000Z"
LATER = "2026-11-26T12:01:00.000Z"
SINCE = "2026-11-26T11:00:00.000Z"


def open_task(number=1, **more):
    return task(number, open={"S": "3"}, **{name: {"S": value} for name, value in more.items()})


def test_an_open_task_whose_worker_ended_is_free_and_due_at_once():
    held = open_task(lease_owner="request", lease_until=LATER, due_at=LATER, upstream_id="video_1")
    free = open_task(lease_owner="", lease_until=NOW, due_at=NOW, upstream_id="video_1")
    assert released(held, NOW) == free | {"claims": {"N": "0"}}


def test_unheld_task_is_due_at_once_unless_its_attempt_waits():
    """A task that nobody held is due at once unless its next attempt waits."""
    assert released(open_task(due_at=LATER), NOW) == open_task(due_at=NOW)
    free = {"lease_owner": "", "due_at": LATER}
    assert released(open_task(**free, lease_until=SINCE), NOW)["due_at"] == {"S": NOW}
    waits = open_task(**free, lease_until=LATER)
    assert released(waits, NOW) == waits


def test_an_ended_task_and_what_is_no_task_are_left_as_they_are():
    for each in (task(1), {"task_id": {"S": "key#1"}, "lease_owner": {"S": "x"}}):
        assert released(each, NOW) == each


def test_ended_task_that_owes_an_event_is_no_open_one():
    owed = task(1, open={"S": "webhooks"}, upstream_id={"S": "job:1"}, due_at={"S": LATER})
    assert released(owed, NOW) == owed
    assert found([owed]).open == 0


def test_simulated_video_is_found_at_its_port_of_this_run(deployments, tmp_path):
    def result(origin):
        summary = {"video_url": f"{origin}/v/video_1.mp4", "thumbnail": "http://x:1/t/a.jpg"}
        return {"result": {"S": json.dumps(summary)}}

    for origin, expected in (("http://127.0.0.1:9002", 9002), ("", 8002)):
        folder = tmp_path / str(expected)
        Journal(folder).begin().put_item("vid_1", task(1, **result("http://127.0.0.1:8002")))
        Snapshot(folder, deployments[0], deployments[0], lambda _: None, origin).restore()
        assert items(deployments[0])["vid_1"] == task(1, **result(f"http://127.0.0.1:{expected}"))


def test_paid_jobs_in_flight_are_named_with_the_relays_ids():
    items = [
        open_task(1, intent_at=SINCE, upstream_id="video_abc"),
        open_task(2, intent_at=SINCE),
        open_task(3),
        task(4),
        {"task_id": {"S": "key#1"}},
        {"task_id": {"S": "limits#alice"}},
    ]
    was = found(items)
    assert (was.tasks, was.keys, was.open) == (4, 1, 3)
    text = "\n".join(summary(was))
    assert "vid_1 continues: the relay's job video_abc" in text
    assert "vid_2 was being submitted: whether the relay took it is not known" in text
    assert "1 task of which nothing was sent" in text
    assert "without a stop" not in text


def test_run_without_a_stop_is_reported():
    """A run that ended without a stop is reported and a first one says nothing."""
    assert "without a stop" in summary(Found(ended_well=False, tasks=1))[0]
    assert summary(Found()) == []


def test_many_jobs_in_flight_are_summary_as_a_number():
    was = Found(jobs={f"vid_{number}": "video" for number in range(500)})
    assert len(summary(was)) < 30
    assert any("and 480 more" in line for line in summary(was))


def test_second_stack_keeps_in_a_second_folder(tmp_path, capsys):
    """Two stacks keep in two places and the next start has the first again."""
    settings = Settings(values={}, keep_in=tmp_path)
    first = take_folder(settings)
    second = take_folder(settings)
    assert (first.folder, second.folder) == (settings.kept, tmp_path / "simulator-2")
    assert f"keeps in {tmp_path / 'simulator-2'}" in capsys.readouterr().out
    first.lock.close()
    second.lock.close()
    again = take_folder(settings)
    assert again.folder == settings.kept
    assert capsys.readouterr().out == ""
    again.lock.close()


def test_earlier_versions_leftover_is_reported_and_stays(tmp_path, capsys):
    """What an earlier version left of a crash is reported and stays."""
    left = tmp_path / "stand-in.old"
    left.mkdir()
    (tmp_path / "stand-in").mkdir()
    place = take_folder(Settings(values={}, keep_in=tmp_path))
    assert str(left) in capsys.readouterr().out
    assert left.is_dir()
    place.lock.close()


def test_a_place_that_cannot_be_made_is_told_by_its_setting(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match=r"KEEP_IN=\S+/file: Not a directory; say another"):
        take_folder(Settings(values={}, keep_in=tmp_path / "file"))


def test_without_a_place_nothing_is_kept():
    assert take_folder(Settings(values={}, keep_in=None)) is None


def gateway():
    return SimpleNamespace(api_id="")


def test_no_request_is_let_in_before_every_kept_task_is_back(deployments, kept, on_batch):
    api, seen = gateway(), []
    on_batch(lambda: seen.append(api.api_id))
    was = Readiness(api).open("api", snapshot_of(kept, deployments[0]))
    assert seen == [""] * 3
    assert (api.api_id, was.tasks) == ("api", MANY)


def test_stop_during_a_restore_waits_for_it(deployments, kept, on_batch):
    """A stop amid a restore waits for it and all is still kept."""
    api, enders = gateway(), []
    readiness = Readiness(api)

    def stop():
        ender = Thread(target=lambda: (readiness.close(), readiness.keep()))
        ender.start()
        ender.join(0.05)  # as far as it gets
        enders.append(ender)

    on_batch(stop, times=1)
    readiness.open("api", snapshot_of(kept, deployments[0]))
    enders[0].join()
    assert api.api_id == ""
    journal = Journal(kept)
    assert (len(journal.items), journal.ended_well) == (MANY, True)


def test_a_stop_before_the_restore_leaves_all_as_it_was(deployments, kept):
    api = gateway()
    readiness = Readiness(api)
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    readiness.close()
    readiness.open("api", snapshot_of(kept, deployments[0]))
    readiness.keep()
    assert (api.api_id, items(deployments[0])) == ("", {})
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


@pytest.fixture
def posting(deployments, tmp_path):
    """Return an opening whose stack has one POST under way, and its journal."""
    journal = []
    readiness = Readiness(gateway())
    readiness.open("api", snapshot_of(tmp_path / "posting", deployments[0], record=journal.append))
    journal[0].put_item("vid_1", open_task(intent_at=SINCE, lease_until="9999"))
    return readiness, journal[0]


def test_a_stop_waits_for_the_relays_answer_to_a_post(posting, capsys):
    readiness, journal = posting
    waiting = Thread(target=readiness.await_answers, args=(Event(),))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    journal.put_item("vid_1", open_task(intent_at=SINCE, lease_until="9999", upstream_id="video_1"))
    waiting.join(5)
    assert not waiting.is_alive()
    assert "1 submits wait for the relay's answer" in capsys.readouterr().out


def test_a_second_signal_ends_the_wait_for_answers(posting):
    readiness, _ = posting
    hurried = Event()
    waiting = Thread(target=readiness.await_answers, args=(hurried,))
    waiting.start()
    hurried.set()
    waiting.join(5)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    "item",
    [
        open_task(lease_until="9999"),
        open_task(intent_at=SINCE, lease_until="9999", upstream_id="video_1"),
        open_task(intent_at=SINCE, lease_until=SINCE),
        task(1, intent_at={"S": SINCE}, lease_until={"S": "9999"}),
    ],
    ids=["not sent", "answered", "its worker died", "ended"],
)
def test_a_stop_waits_for_nothing_else(posting, item, capsys):
    readiness, journal = posting
    journal.put_item("vid_1", item)
    readiness.await_answers(Event())
    assert capsys.readouterr().out == ""


def test_an_end_that_cannot_be_noted_is_summary(deployments, kept, capsys):
    def broken(journal):
        def end():
            raise OSError(28, "No space left on device")

        journal.end = end

    readiness = Readiness(gateway())
    readiness.open("api", snapshot_of(kept, deployments[0], record=broken))
    readiness.keep()
    assert "No space left" in capsys.readouterr().out
