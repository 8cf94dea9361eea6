import base64
import hashlib
import hmac
import io
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials, RefreshableCredentials

from videoapi.aws.files import (
    FileStore,
    input_key,
    is_own_input,
    thumbnail_key,
    upload_key,
    video_key,
)
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ServiceError

NOW = 1_768_127_400.0
KEYS = Credentials("key", "secret", "token")


def links(credentials=KEYS, *, endpoint=None, seconds=3600):
    return UrlSigner(
        lambda: credentials,
        bucket="files",
        region="eu-central-1",
        endpoint=endpoint,
        seconds=seconds,
        file_days=2,
    )


def lasting(seconds):
    """Return credentials that die `seconds` from the real now on, as a role's do."""
    end = datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC)
    return RefreshableCredentials("key", "secret", "token", end, lambda: None, "made-up")


def thawed(seconds):
    """Return credentials of a snapshot, long dead, that last `seconds` once they are fetched."""

    def fetched():
        end = datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC)
        keys = {"access_key": "new", "secret_key": "secret", "token": "token"}
        return keys | {"expiry_time": end.isoformat()}

    end = datetime(2026, 1, 1, tzinfo=UTC)
    return RefreshableCredentials("old", "secret", "token", end, fetched, "made-up")


def signed_seconds(link):
    return int(parse_qs(urlsplit(link.url).query)["X-Amz-Expires"][0])


def test_every_file_lies_under_its_owner_and_task():
    assert input_key("anna", "vid_1", "0123456789abcdef" * 4, "png") == (
        "inputs/anna/vid_1/0123456789abcdef.png"
    )
    assert video_key("anna", "vid_1") == "videos/anna/vid_1.mp4"
    assert thumbnail_key("anna", "vid_1") == "thumbnails/anna/vid_1.jpg"
    assert upload_key("anna", "abc") == "inputs/anna/uploads/abc"


def test_bytes_and_streams_are_kept_with_their_type(services):
    services.files.put("a", b"one", "image/png")
    services.files.put("b", io.BytesIO(b"two"), "video/mp4")
    assert services.files.get("a") == (b"one", "image/png")
    assert services.files.get("b") == (b"two", "video/mp4")


def test_a_file_that_is_gone_is_none_and_may_be_deleted_again(services):
    services.files.put("a", b"one", "image/png")
    services.files.delete(["a", "never-there"])
    assert services.files.get("a") is None
    services.files.delete(["a"])
    services.files.delete([])


def test_a_file_knows_when_it_was_written_and_none_has_no_time(services):
    assert services.files.written_at("a") is None
    services.files.put("a", b"one", "image/png")
    assert abs(services.files.written_at("a") - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize("code", ["SlowDown", ""])
@pytest.mark.parametrize("call", ["PutObject", "GetObject", "HeadObject", "DeleteObject"])
def test_outage_is_a_service_error_with_awss_words(services, call, code):
    """An outage is a service error whose note tells what AWS said."""
    services.calls.fail(f"s3:{call}", code)
    actions = {
        "PutObject": lambda: services.files.put("a", b"", "image/png"),
        "GetObject": lambda: services.files.get("a"),
        "HeadObject": lambda: services.files.written_at("a"),
        "DeleteObject": lambda: services.files.delete(["a"]),
    }
    with pytest.raises(ServiceError) as caught:
        actions[call]()
    assert caught.value.__notes__[0].startswith("S3: ")
    assert "made up" not in caught.value.message


def test_no_client_is_made_before_a_file_is_asked_for():
    def client():
        raise AssertionError

    files = FileStore(client, "files")
    files.delete([])
    with pytest.raises(AssertionError):
        files.get("a")


def test_link_is_signed_v4_for_the_buckets_host():
    url = urlsplit(links().to("videos/anna/vid 1.mp4", now=NOW).url)
    assert url.netloc == "files.s3.eu-central-1.amazonaws.com"
    assert url.path == "/videos/anna/vid%201.mp4"
    query = parse_qs(url.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"][0].endswith("/eu-central-1/s3/aws4_request")


def test_a_link_of_the_local_stack_names_the_bucket_in_its_path():
    link = links(endpoint="http://127.0.0.1:4566/").to("a/b", now=NOW)
    assert link.url.startswith("http://127.0.0.1:4566/files/a/b?")


def test_a_link_lives_as_long_as_asked():
    link = links(seconds=90).to("a", now=NOW)
    assert signed_seconds(link) == 90
    assert link.expires_at == NOW + 90


def test_a_link_dies_with_the_session_that_signed_it_and_says_so():
    now = datetime.now(UTC).timestamp()
    link = links(lasting(1200), seconds=3600).to("a", now=now)
    assert 1190 <= signed_seconds(link) <= 1200
    assert link.expires_at == now + signed_seconds(link)


def test_link_of_an_unknown_session_is_short():
    """A link of a session of unknown end is promised for no longer than any session lasts."""
    link = links(seconds=7 * 24 * 3600).to("a", now=NOW)
    assert signed_seconds(link) == 12 * 3600
    assert link.expires_at == NOW + 12 * 3600


def test_link_lasts_as_asked_where_the_session_is_longer():
    now = datetime.now(UTC).timestamp()
    assert signed_seconds(links(lasting(7200), seconds=60).to("a", now=now)) == 60


def test_snapshots_links_last_as_long_as_new_credentials():
    """A link and a form of a snapshot are signed for the life of new credentials."""
    now = datetime.now(UTC).timestamp()
    link = links(thawed(7200), seconds=600).to("a", now=now)
    assert signed_seconds(link) == 600
    assert "Credential=new" in link.url
    assert form(thawed(7200), now=now).expires_at == now + 600


def form(credentials=KEYS, *, endpoint=None, seconds=600, now=NOW):
    return links(credentials, endpoint=endpoint).form(
        "inputs/anna/uploads/abc", "image/png", sizes=(1, 99), seconds=seconds, now=now
    )


def policy_of(form):
    return json.loads(base64.b64decode(form.fields["policy"]))


def test_a_form_is_posted_to_the_bucket():
    assert form().url == "https://files.s3.eu-central-1.amazonaws.com/"
    assert form(endpoint="http://127.0.0.1:4566").url == "http://127.0.0.1:4566/files/"


def test_form_allows_one_key_one_type_and_the_sizes():
    made = form()
    conditions = policy_of(made)["conditions"]
    assert ["content-length-range", 1, 99] in conditions
    exact = {
        name: value for each in conditions if type(each) is dict for name, value in each.items()
    }
    assert len(conditions) == len(exact) + 1
    signed = {
        name: v for name, v in made.fields.items() if name not in ("policy", "x-amz-signature")
    }
    assert exact == signed | {"bucket": "files"}
    assert signed.keys() >= {"key", "Content-Type", "x-amz-security-token"}
    assert (signed["key"], signed["Content-Type"]) == ("inputs/anna/uploads/abc", "image/png")


def test_a_form_is_signed_with_version_4():
    fields = form().fields
    key = b"AWS4secret"
    for part in (fields["x-amz-date"][:8], "eu-central-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, fields["policy"].encode(), hashlib.sha256).hex()
    assert fields["x-amz-signature"] == signature


def test_a_form_of_lasting_credentials_has_no_token():
    assert "x-amz-security-token" not in form(Credentials("key", "secret")).fields


def test_form_ends_when_asked_or_with_its_session():
    """A form expires when asked and no later than the session that signed it."""
    assert policy_of(form())["expiration"] == timestamp(NOW + 600)
    assert form().expires_at == NOW + 600
    now = datetime.now(UTC).timestamp()
    short = form(lasting(1200), seconds=3600, now=now)
    assert 1190 < short.expires_at - now <= 1200
    assert policy_of(short)["expiration"] == timestamp(short.expires_at)


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"])
@pytest.mark.parametrize("key", ["a", "images/anna/a b+ü.png", "a//b", "a?b#c"])
def test_the_key_of_a_link_of_ours_is_found_in_it(endpoint, key):
    ours = links(endpoint=endpoint)
    assert ours.key_of(ours.to(key, now=NOW).url) == key


@pytest.mark.parametrize(
    "url",
    [
        "https://files.s3.eu-central-1.amazonaws.com.example.com/a",
        "http://files.s3.eu-central-1.amazonaws.com/a",
        "https://other.s3.eu-central-1.amazonaws.com/a",
        "https://files.s3.eu-central-1.amazonaws.com@example.com/a",
    ],
)
def test_any_other_url_has_no_key_of_ours(url):
    assert links().key_of(url) is None


@pytest.mark.parametrize("key", ["inputs/anna/vid_1/0.png", "images/anna/made.png"])
def test_an_owner_may_use_inputs_and_made_images_of_their_own(key):
    assert is_own_input(key, "anna")


@pytest.mark.parametrize(
    "key",
    [
        "videos/anna/vid_1.mp4",
        "images/bert/made.png",
        "images/anna2/made.png",
        "images/anna",
        "images/anna/../bert/made.png",
        "images/anna//made.png",
        "/images/anna/made.png",
        "",
    ],
)
def test_no_other_key_serves_as_an_input(key):
    assert not is_own_input(key, "anna")
