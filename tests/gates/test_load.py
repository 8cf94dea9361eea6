"""`make load` at another server: how many videos it orders there, and how it fails."""

import httpx
import pytest

from benchmarks import load

URL = "https://videos.example/v1"


def server(status=200):
    asked = []

    def answer(request):
        asked.append(request.method)
        return httpx.Response(status, json={"id": f"video_{len(asked)}"})

    client = httpx.Client(base_url=URL, transport=httpx.MockTransport(answer))
    return client, asked


def test_few_videos_elsewhere_unasked_and_many_at_home():
    """Few videos are ordered at another server unasked and many at our own."""
    assert load.read(["--url", URL]).count == 5
    assert load.read([]).count == 200


@pytest.mark.parametrize("count", ["0", "-1", "21"])
def test_a_senseless_or_a_dear_count_is_refused(count, capsys):
    with pytest.raises(SystemExit):
        load.read(["--url", URL, "--count", count])
    assert "say " in capsys.readouterr().err


def test_many_videos_elsewhere_need_a_yes():
    """Many videos are ordered at another server by who says yes."""
    assert load.read(["--url", URL, "--count", "21", "--yes"]).count == 21
    assert load.read(["--count", "21"]).count == 21


def test_number_and_place_are_shown_before_any_order(capsys):
    """The number and the place are said before anything is ordered and then the progress."""
    client, asked = server()
    assert load.run(client, load.read(["--url", URL, "--count", "3"])) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"Ordering 3 videos at {URL}, where each may be paid for")
    assert "\rsubmit: 3 of 3\n" in printed.err
    assert "| submit |" in printed.out
    assert sorted(asked) == ["GET"] * 3 + ["POST"] * 3


def test_a_refused_key_is_one_sentence(capsys):
    client, _ = server(401)
    assert load.run(client, load.read(["--url", URL])) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"POST {URL}/videos answered 401. It refused the key: say KEY=…"


def test_a_server_that_is_not_there_is_one_sentence(capsys):
    def away(request):
        raise httpx.ConnectError("Connection refused", request=request)

    client = httpx.Client(base_url=URL, transport=httpx.MockTransport(away))
    assert load.run(client, load.read(["--url", URL])) == 1
    assert f"{URL} could not be asked: Connection refused" in capsys.readouterr().err
