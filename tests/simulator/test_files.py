import httpx
import pytest


def test_files_come_from_another_origin_with_their_length(caller):
    response = caller.file("")
    assert str(response.url).startswith(caller.upstream.files)
    assert response.headers["content-type"] == "video/mp4"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-7", slice(-7, None))],
)
def test_a_range_is_answered_alone(caller, asked, part):
    whole = caller.file("")
    response = caller.file("", range=asked)
    assert response.status_code == 206
    assert response.content == whole.content[part]
    assert response.headers["content-range"].endswith(f"/{len(whole.content)}")


def test_a_range_beyond_the_end_is_refused(caller):
    assert caller.file("", range="bytes=99999999-").status_code == 416


def test_a_head_request_has_no_body(caller):
    response = caller.anonymous.head(caller.ended("")["video_url"])
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 1000


def test_a_key_that_arrives_at_the_files_is_a_leak(caller):
    before = caller.upstream.report()
    caller.file("")
    assert caller.upstream.report()["leaks"] == before["leaks"]
    caller.file("", authorization="Bearer any")
    caller.file("[[link:same]]", authorization="Bearer any")
    caller.anonymous.get(
        f"{caller.upstream.files}/v/none.mp4", headers={"authorization": "Bearer any"}
    )
    after = caller.upstream.report()
    assert after["leaks"] == before["leaks"] + 3
    assert after["file_reads"] == before["file_reads"] + 4


def test_there_is_no_file_before_the_end_nor_of_another_job(caller):
    job = caller.accepted("[[time:60]]")
    for name in (job, "video_0"):
        assert caller.anonymous.get(f"{caller.upstream.files}/v/{name}.mp4").status_code == 404


def test_a_download_may_end_too_early(caller):
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        caller.file("[[file:short]]")


def test_a_url_may_have_expired(caller):
    assert caller.file("[[file:403]]").status_code == 403


def test_a_download_may_fail_once(caller):
    url = caller.ended("[[file:502*1]]")["video_url"]
    assert [caller.anonymous.get(url).status_code for _ in range(2)] == [502, 200]


def test_a_download_may_be_slow(caller):
    response = caller.file("[[file:trickle=0.1]]")
    assert response.content[4:8] == b"ftyp"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.elapsed.total_seconds() >= 0.1


def test_a_late_file_still_has_ranges(caller):
    assert caller.file("[[file:slow=0.01]]", range="bytes=0-9").status_code == 206


def test_a_download_may_not_be_a_video(caller):
    page = caller.file("[[file:html=200]]")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    junk = caller.file("[[file:junk]]")
    assert junk.headers["content-type"] == "video/mp4"
    assert junk.content[4:8] != b"ftyp"


def test_a_file_server_may_know_neither_ranges_nor_lengths(caller):
    assert caller.file("[[file:no_range]]", range="bytes=0-9").status_code == 200
    chunked = caller.file("[[file:no_length]]")
    assert "content-length" not in chunked.headers
    assert chunked.content[4:8] == b"ftyp"
