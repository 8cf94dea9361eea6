"""The commands for videos that were ordered, and about the server."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from devstack.settings import ROOT
from tests.support.fake_api import refused, video_of
from tests.support.loopback import Server, reply
from videoapi_cli.client import Api
from videoapi_cli.main import run


@pytest.fixture
def ordered(api):
    """Return the ids of three videos that are being made, the oldest first."""
    api.looks = 2
    for prompt in ("One", "Two", "[[fail]]"):
        body = {"prompt": prompt}
        headers = {"idempotency-key": prompt}
        httpx.Client(transport=api.transport).post(
            "http://api/v1/videos", json=body, headers=headers
        )
    del api.requests[:]
    return list(api.tasks)


def test_list_pages_until_the_limit(videoapi, ordered):
    found = videoapi.json("list", "-n", 2)
    assert [each["task_id"] for each in found] == ordered[:0:-1]
    assert len(videoapi.json("list", "--limit", 300)) == 3
    text = videoapi("list").stdout
    assert all(each in text for each in ordered)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_without_a_proxy(monkeypatch, host):
    """A company's proxy, which every other address needs, does not know `make run`."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:2")
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(reply(b"{}", Connection="close")) as server:
        api = Api(url=f"http://{host}:{server.port}")
        assert api.get("/v1/models").json() == {}
        assert api.files.get(server.origin).status_code == 200


def test_list_of_nothing_is_a_sentence_and_an_empty_array(videoapi):
    assert videoapi("list").stdout == "No videos.\n"
    assert videoapi.json("list") == []


def test_show_tells_prompt_cost_and_error(videoapi, ordered):
    for _ in range(3):
        videoapi("show", ordered[0])
    shown = videoapi("show", ordered[0]).stdout
    assert "One" in shown
    assert "$0.50" in shown
    assert videoapi.json("show", ordered[0])["status"] == "completed"
    assert len(videoapi.json("show", *ordered)) == 3


def test_watch_waits_and_fails_where_a_video_does(videoapi, ordered):
    result = videoapi("watch", *ordered[:2])
    assert result.exit_code == 0
    assert videoapi.clock.time >= 2
    body = videoapi.json("watch", ordered[2], code=1)
    assert body[0]["error"] == "Content policy violation"


def test_download_waits_and_keeps_what_is_there(videoapi, folder, ordered):
    (folder / f"{ordered[0]}.mp4").write_text("mine")
    assert videoapi("download", *ordered[:2]).exit_code == 0
    assert (folder / f"{ordered[0]}.mp4").read_text() == "mine"
    assert (folder / f"{ordered[0]}-2.mp4").read_bytes() == video_of("One")
    assert videoapi("download", ordered[1], "-o", "two.mp4").stdout == "two.mp4\n"
    assert videoapi("watch", ordered[1], "-o", "out").stdout == f"out/{ordered[1]}.mp4\n"


def test_download_that_breaks_off_begins_anew(videoapi, api, folder, ordered):
    for _ in range(3):
        videoapi("show", ordered[0])
    there = httpx.Response(307, headers={"location": "http://files.test/x.mp4"})
    task = httpx.Response(200, json=api.tasks[ordered[0]])
    api.scripted = [task, there, httpx.ReadError("gone"), there, httpx.Response(403)]
    assert videoapi("download", ordered[0], "-o", "one.mp4").exit_code == 0
    assert (folder / "one.mp4").read_bytes() == video_of("One")
    assert {each.name for each in folder.iterdir()} == {"a.jpg", "b.jpg", "one.mp4"}


def test_unknown_id_is_told_once_and_stops_no_other(videoapi, ordered):
    result = videoapi("download", "vid_none", ordered[0])
    assert result.exit_code == 1
    assert "No such task." in result.stdout
    assert f"{ordered[0]}.mp4" in result.stdout


def test_cancel_goes_on_after_a_refusal(videoapi, api, ordered):
    result = videoapi("cancel", "vid_none", *ordered[:2])
    assert result.exit_code == 1
    assert [api.tasks[each]["status"] for each in ordered] == ["cancelled", "cancelled", "pending"]
    assert videoapi.json("cancel", ordered[2])[0]["success"] is True


def test_delete_asks_first(videoapi, api, ordered):
    assert videoapi("delete", ordered[0]).exit_code == 2
    assert ordered[0] in api.tasks
    assert videoapi.json("delete", ordered[0], "--yes")[0]["deleted"] is True
    assert ordered[0] not in api.tasks


def test_models_tell_lengths_and_price(videoapi):
    line = videoapi("models").stdout.splitlines()[1]
    assert line.split() == ["veo", "4", "8", "1280x720", "$0.40", "a", "second"]
    assert videoapi.json("models")["data"][0]["id"] == "veo"


def test_usage_is_a_row_a_day_with_something_and_a_sum(videoapi, api):
    lines = videoapi("usage", "--to", "2026-11-26", "--days", 7).stdout.splitlines()
    assert lines[1].split() == ["2026-11-26", "2", "1", "0", "16", "$3.20", "$0.00"]
    assert lines[2].split() == ["all", "2", "1", "0", "16", "$3.20", "$0.00"]
    assert len(lines) == 3
    assert len(videoapi.json("usage")["days"]) == 2
    asked = api.requests[0]
    assert dict(asked.url.params) == {"from": "2026-11-20", "to": "2026-11-26"}
    assert videoapi.json("usage")["currency"] == "USD"
    for wrong in (("--to", "yesterday"), ("--to", "0001-01-01"), ("--days", 10**8)):
        assert videoapi("usage", *wrong).exit_code == 2


@pytest.mark.parametrize("command", ["list", "models", "usage"])
def test_failure_is_one_json_document(videoapi, api, command):
    api.scripted = [refused(401, "invalid_api_key", "No such key.")]
    error = videoapi.json(command, code=3)["error"]
    assert error["code"] == "invalid_api_key"
    assert "VIDEOAPI_KEY" in error["next_step"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404, json={"message": "Not Found"}), "Not Found"),
        (httpx.Response(404, text="<html>Nothing"), "HTTP 404: <html>Nothing"),
        (httpx.Response(404), "HTTP 404"),
        (httpx.Response(404, json={"error": "text"}), "text"),
        (httpx.Response(200, text="<html>"), "does not answer as this API does"),
        (httpx.Response(422, json={"error": {"message": "m", "param": "size"}}), "size"),
    ],
)
def test_answers_of_others_are_told_in_words(videoapi, api, answer, words):
    api.scripted = [answer]
    result = videoapi("models")
    assert words in result.stderr
    assert result.exit_code in (1, 4)


def test_outage_is_waited_for_with_the_pause_it_asks_for(videoapi, api):
    away = refused(503, "service_unavailable", "Away.", headers={"retry-after": "7"})
    api.scripted = [away, httpx.Response(502)]
    assert videoapi("models").exit_code == 0
    assert 8 <= videoapi.clock.time < 10
    api.scripted = [away] * 400
    assert videoapi("models").exit_code == 1


def test_cancel_whose_answer_is_lost_is_not_sent_again(videoapi, api, ordered):
    api.scripted = [httpx.ReadTimeout("")]
    assert videoapi("cancel", ordered[0]).exit_code == 4
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://api.test/v1", "http://api.test/api/v1/", " http://api.test/"]
)
def test_address_may_have_the_dialect_behind_it(videoapi, api, url):
    assert videoapi("models", url=url).exit_code == 0
    assert str(api.requests[0].url) == "http://api.test/v1/models"


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x", "http://", "http://a b", "http://[::1", "http://a:b"]
)
def test_address_that_is_none_is_refused(videoapi, url):
    assert videoapi("models", url=url).exit_code == 2


def test_key_that_is_empty_is_not_sent(videoapi, api):
    videoapi("models", key=" ")
    assert "authorization" not in api.requests[0].headers


@pytest.mark.parametrize("key", ["vak_\u0445", "vak_a\nvak_b"])
def test_key_that_no_header_can_carry_is_refused(videoapi, api, key):
    result = videoapi("models", key=key)
    assert (result.exit_code, api.requests) == (2, [])
    assert "VIDEOAPI_KEY" in result.stderr
    assert key not in result.output


@pytest.mark.parametrize(
    "arguments", [["show", "a/b"], ["list", "-n", "0"], ["show"], ["nothing"], ["list", "--no"]]
)
def test_wrong_usage_is_json_where_that_was_asked_for(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["videoapi", *arguments, "--json"])
    with pytest.raises(SystemExit, match="2"):
        run()
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["message"]
    assert printed.err == ""


def test_ctrl_c_while_it_is_loaded_is_no_traceback(tmp_path):
    (tmp_path / "httpx.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "videoapi_cli", "list"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'cli'}"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("letters", ["ascii", "latin-1", "utf-8"])
def test_letters_that_the_system_lacks_are_no_defect(tmp_path, letters):
    def videoapi(*arguments):
        return subprocess.run(
            [sys.executable, "-c", "from videoapi_cli.main import run; run()", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT / "cli"), "PYTHONIOENCODING": letters},
            capture_output=True,
            check=False,
        )

    done = videoapi("generate", "--batch", "夜 ü.csv", "--json")
    assert "夜 ü.csv" in json.loads(done.stdout.decode(letters))["error"]["message"]
    assert videoapi("show", "--help").returncode == 0


def test_id_leads_to_no_other_address(videoapi, api):
    for command in ("show", "watch", "download", "cancel", "delete"):
        assert videoapi(command, "../usage").exit_code == 2
    assert api.requests == []
