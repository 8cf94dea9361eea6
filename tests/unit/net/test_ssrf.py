import string
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoapi.errors import ValidationError
from videoapi.net.ssrf import MAX_URL_LENGTH, check_url, is_public_address, origin, parse_url

words = str.split
INNER_ADDRESSES = words("""
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
    127.1.2.3 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
    172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.10 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
    192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1
    ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe
    64:ff9b::10.0.0.1 64:ff9b::224.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1::
    2001:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::
    2002:808:808:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fec0::1
    ff02::1 ff0e::1
""")
NO_ADDRESSES = ["", "localhost", "127.1", "010.0.0.1", "1.2.3.4.5", "8.8.8.8 ", "2606:4700::1%eth0"]
PUBLIC_ADDRESSES = words("""
    1.1.1.1 8.8.8.8 11.0.0.1 93.184.216.34 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1
    172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 198.17.255.255 198.20.0.1 223.255.255.255
    2606:4700::1111 2001:4860:4860::8888 2a00:1450:4001::200e 2400:cb00::1 64:ff9b::8.8.8.8
""")

# What a host must not look like, whatever it would mean: parsers disagree about each of these.
ODD_HOSTS = words("""
    2130706433 017700000001 0x7f000001 0x7f.1 0x7F.0x0.0x0.0x1 127.1 127.0.1 0177.0.0.1 127.0.0.01
    127.0.0.0x1 0 0x 00000000177.1 1.2.3 256.256.256.256 4294967296 1.1.1.1.1 example.1 8.8.8.08
    [::1%25eth0] [fe80::1%eth0] [::1]] [[::1] [] [v1.::1] [127.0.0.1] [::g] ::1 [::1]x [::1]:x
    ①②⑦.⓪.⓪.① \uff11\uff12\uff17.0.0.1
    127。0。0。1 loc\u212alhost ⓛocalhost bücher.example 127.0.0.1\u00ad
    %6c%6fcalhost 127.0.0.1%2f localhost. example.com. .example.com example..com . ..
    -example.com example-.com exa$mple.com exa,mple.com *.example.com a|b.com a;b.com
    example.com:port example.com:0 example.com:65536 example.com:999999 example.com:-1
    example.com:+80 example.com: example.com:8_0 example.com:٣ example.com:80:80
    user@example.com user:pw@example.com @example.com example.com@127.0.0.1 :@example.com
    127.0.0.1\\@example.com example.com\\.evil.example \\127.0.0.1
""")
ODD_HOSTS += [
    "", " example.com", "example.com ", "[::1 ::1]", "exam\tple.com", "exam\nple.com",
    "\0example.com", "example.com\x7f", "exam\x85ple.com", "exam\ud800ple.com", f"{'a' * 64}.com",
    f"{'a.' * 127}com",
]  # fmt: skip
INNER_NAMES = words("""
    localhost LOCALHOST app.localhost router intranet metadata printer.local
    metadata.google.internal ip-10-0-0-1.ec2.internal nas.lan db.corp wiki.intranet tv.home
    vault.private x.localdomain host.home.arpa xn--bcher-kva _dmarc
""")
PUBLIC_HOSTS = words("""
    example.com EXAMPLE.com a.b.c.d.example.co.uk my_bucket.s3.amazonaws.com xn--bcher-kva.example
    localhost.example.com internal.example.com 127.0.0.1.example.com 1password.com 163.com
    example.web3 x0x.com 8.8.8.8 [2606:4700::1111] [2606:4700:0:0::1111] example.com:8443
    8.8.8.8:1 [2606:4700::1111]:65535
""")


def refusal(url, *, allow_private=False):
    with pytest.raises(ValidationError) as refused:
        check_url(url, allow_private=allow_private)
    assert refused.value.code == "invalid_image"
    assert refused.value.__cause__ is None
    return refused.value.message


def as_host(address):
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", INNER_ADDRESSES)
def test_an_address_that_is_not_surely_public_is_refused(address):
    assert not is_public_address(address)
    assert "private or reserved" in refusal(f"http://{as_host(address)}/cat.png")
    check_url(f"http://{as_host(address)}/cat.png", allow_private=True)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_plain_address_is_not_public(text):
    assert not is_public_address(text)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_pass(address):
    assert is_public_address(address)
    check_url(f"https://{as_host(address)}/cat.png", allow_private=False)


@pytest.mark.parametrize("char", [*"\0\t\r\n\x1f \x7f\x85\\", "\ud800"])
def test_blanks_controls_and_backslashes_are_refused_anywhere(char):
    for parsed in ("http://example.com/a{}b", "http://example.com/?{}", "{}http://example.com"):
        assert "must not hold blanks" in refusal(parsed.format(char))


def test_a_password_is_refused_by_name():
    assert "user name or password" in refusal("https://user:secret@example.com/")


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("host", ODD_HOSTS)
def test_odd_spellings_of_a_host_are_refused(host, private):
    """Odd spellings of a host are refused even where private ones are not."""
    message = refusal(f"http://{host}/cat.png", allow_private=private)
    assert message.startswith("The URL must")
    assert len(host) < 3 or host not in message


@pytest.mark.parametrize("host", INNER_NAMES)
def test_never_public_names_are_refused_without_a_lookup(host):
    assert "private host" in refusal(f"https://{host}/cat.png")
    check_url(f"https://{host}/cat.png", allow_private=True)


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_ordinary_hosts_pass(host):
    check_url(f"https://{host}/a/b.png?x=1&y=http://10.0.0.1/#z", allow_private=False)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/a", "file:///etc/passwd", "gopher://example.com:70/_x", "data:image/png,x",
     "//example.com/a", "example.com/a", "http:/example.com", "http:example.com", "", "://", "http",
     "javascript:alert(1)//http://example.com", "s3://bucket/key", "http\u017f://example.com"],
)  # fmt: skip
def test_only_http_and_https_are_fetched(url):
    assert refusal(url) == "The URL must start with http:// or https://."


@pytest.mark.parametrize("url", ["http://", "http:///a", "http://?a", "http://#a", "https://:1/"])
def test_a_url_without_a_host_is_refused(url):
    assert "must name a host" in refusal(url)


def test_the_host_ends_where_every_parser_ends_it():
    for mark in "/?#":
        assert parse_url(f"http://example.com{mark}@10.0.0.1:81/").host == "example.com"


def test_a_url_is_bounded_in_length():
    base = "https://example.com/"
    check_url(base + "a" * (MAX_URL_LENGTH - len(base)), allow_private=False)
    assert "4,096 characters" in refusal(base + "a" * (MAX_URL_LENGTH - len(base) + 1))
    parse_url(base + "a" * MAX_URL_LENGTH, max_length=5000)


def test_letters_beyond_ascii_are_welcome_in_a_path():
    check_url("https://example.com/图片/köln.jpg?名=值", allow_private=False)


def test_an_origin_has_one_spelling():
    assert origin("HTTPS://Example.COM:443/a?b") == "https://example.com"
    assert origin("http://example.com:80") == "http://example.com"
    assert origin("https://example.com:80/v1") == "https://example.com:80"
    assert origin("http://[0:0:0:0:0:0:0:1]:8001") == "http://[::1]:8001"
    with pytest.raises(ValueError, match="must start with http"):
        origin("example.com")


PIECES = st.sampled_from(
    [*"/?#@:.[]%\\;&= -_", "http://", "https://", "//", "127.0.0.1", "0x7f", "[::1]", "10.0.0.1",
     "example.com", "localhost", "xn--", "%2e", "%00", "\u212a", "。", "\ud800", ":80", ":0", "\n"],
)  # fmt: skip
URLS = st.builds(
    "{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", ""]),
    st.lists(PIECES | st.text(string.ascii_letters + string.digits, max_size=4)).map("".join),
)


@given(URLS | st.text())
def test_nothing_but_a_refusal_comes_of_any_text(url):
    for private in (False, True):
        try:
            check_url(url, allow_private=private)
        except ValidationError as refused:
            assert refused.code == "invalid_image"  # noqa: PT017 — either outcome is right


@given(URLS)
def test_other_parsers_see_the_same_host_and_port(url):
    try:
        parsed = parse_url(url)
    except ValueError:
        return
    by_httpx, by_stdlib = httpx.URL(url), urlsplit(url)
    seen = [
        (by_httpx.scheme, by_httpx.raw_host.decode(), by_httpx.port),
        (by_stdlib.scheme, str(by_stdlib.hostname), by_stdlib.port),
    ]
    for scheme, host, port in seen:
        end = "" if port is None else f":{port}"
        assert origin(f"{scheme}://{as_host(host)}{end}") == parsed.origin
