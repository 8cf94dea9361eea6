"""Which of a relay's links may be handed out, and until when they work."""

import pytest

from videoapi.providers.openai_compatible.link_policy import LinkPolicy, expiry_of, moment

KEY = "relay-key-0123456789"
POLICY = LinkPolicy(["https://relay.example", "http://127.0.0.1:8002"], key=KEY)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/a.mp4?sig=1",
        "HTTP://cdn.example:8080/a",
        "https://8.8.8.8/a",
        "https://[2606:4700::1111]/a",
        "http://127.0.0.1:8002/v/a.mp4",
        "https://relay.example/files/a.mp4",
        "data:video/mp4;base64,AAAA",
    ],
)
def test_a_public_or_trusted_link_may_be_handed_out(url):
    assert POLICY.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:9200/_shutdown",
        "http://127.0.0.1:8001/v/a.mp4",
        "http://127.1/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://intranet/a",
        "http://a.internal/a",
        "https://api.openai.com:443@evil.example/x.mp4",
        "https://user:pass@cdn.example/x.mp4",
        "https://cdn.example\\\\@evil.example/",
        "https://cdn.example/a b",
        "javascript:alert(1)",
        "ftp://cdn.example/a",
        "//cdn.example/a",
        "",
        f"https://cdn.example/a?api_key={KEY}",
        "https://cdn.example/a?k=" + KEY.replace("-", "%2D"),
        f"https://cdn.example/{KEY.upper()}",
        "https://cdn.example/***/a",
        "https://cdn.example/" + "a" * 9000,
    ],
    ids=range(22),
)
def test_an_inward_or_odd_link_is_not_handed_out(url):
    assert not POLICY.allows(url)


def test_private_links_may_be_allowed_but_no_tricks():
    local = LinkPolicy([], allow_private=True)
    assert local.allows("http://127.0.0.1:1/a")
    assert not local.allows("http://a@127.0.0.1:1/a")


def test_another_key_leaves_the_rest_of_the_policy():
    other = POLICY.with_key("another-key-0123")
    assert other.allows("http://127.0.0.1:8002/a")
    assert other.allows(f"https://cdn.example/{KEY}")
    assert not other.allows("https://cdn.example/another-key-0123")


def test_an_origin_that_is_no_url_is_refused():
    with pytest.raises(ValueError, match="http"):
        LinkPolicy(["relay"])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_800_000_000, 1_800_000_000),
        (1_800_000_000.5, 1_800_000_000.5),
        (1_800_000_000_000, 1_800_000_000),
        ("1800000000", 1_800_000_000),
        ("1800000000000", 1_800_000_000),
        (" 2027-01-15T08:00:00Z ", 1_800_000_000),
        ("2027-01-15T08:00:00", 1_800_000_000),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        (None, None),
        (True, None),
        (0, None),
        (86_400, None),
        (-1, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        ("tomorrow", None),
        ("9" * 5000, None),
        ("0001-01-01T00:00:00+23:59", None),
        ([], None),
    ],
    ids=range(21),
)
def test_a_moment_is_epoch_seconds_of_these_decades_or_nothing(value, seconds):
    assert moment(value) == seconds


AMZ = "https://b.example/a?X-Amz-Date=20270115T080000Z&X-Amz-Expires=3600&X-Amz-Signature=1"


@pytest.mark.parametrize(
    ("url", "seconds"),
    [
        (AMZ, 1_800_003_600),
        (AMZ.replace("Amz", "Goog"), 1_800_003_600),
        (AMZ.replace("X-Amz", "x-tos"), 1_800_003_600),
        (AMZ.replace("3600", "x"), None),
        (AMZ.replace("&X-Amz-Expires=3600", ""), None),
        (AMZ.replace("20270115T", "today"), None),
        (AMZ.replace("2027", "9999"), None),
        ("https://b.example/a?Expires=1800000000&Signature=1", 1_800_000_000),
        ("https://b.example/a?expires=1800000000", 1_800_000_000),
        ("https://b.example/a?se=2027-01-15T08%3A00%3A00Z&sig=1", 1_800_000_000),
        ("https://b.example/a?Expires=3600", None),
        ("https://b.example/a", None),
        ("https://b.example/a?" + "a=1&" * 300 + "Expires=1800000000", None),
        ("http://[", None),
        ("data:video/mp4;base64,AAAA", None),
    ],
    ids=range(15),
)
def test_a_signed_urls_own_end_is_read(url, seconds):
    assert expiry_of(url) == seconds
