"""The checks of URLs against SSRF: which hosts and ports a caller's URL may name.

Submit checks what the text of a URL shows, without httpx (71 M instructions of a cold start). Names
are looked up by the worker, which asks `is_public_address` about each address (`downloads`).

A URL passes only if no two programs can read it differently: no blank or backslash, an ASCII host,
an IPv4 address as four decimal numbers. What is merely odd is refused with the rest: the address of
an image has no need to be odd.
"""

import ipaddress
import re
from typing import NamedTuple

from videoapi.errors import ValidationError

MAX_URL_LENGTH = 4096  # characters, at submit; a presigned URL with a session token has 2,000
MAX_WEBHOOK_LENGTH = 2048  # characters: it lies in each task's item
MAX_LINK_LENGTH = 8190  # of a redirect or result URL: what Apache takes as a request line

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff\\]")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"  # RFC 1123 has no "_"; buckets' hosts do
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as last label: inet_aton takes the host for a number

# Never public: RFC 6761, RFC 6762 with appendix G, RFC 8375, and ICANN's .internal.
_PRIVATE_NAME = re.compile(
    r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)"
)

# Not certainly a host on the public internet, and yet global to Python 3.13's `is_global`.
_REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments: .9 and .10 are answered by a gateway nearby
            "192.88.99.0/24",  # 6to4 relays, withdrawn (RFC 7526)
            "168.63.129.16/32",  # Azure's host agent
            "224.0.0.0/4",  # multicast
            "2001::/23",  # protocol assignments: Teredo, gateways nearby
            "2002::/16",  # 6to4: embeds an IPv4 address
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA gives out; ::ffff:0:0/96 is outside
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # what DNS64 answers in an IPv6-only subnet


class ParsedUrl(NamedTuple):
    """Where a URL points: `host` in lower case, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int
    is_literal: bool  # an IP address, not a name

    @property
    def origin(self) -> str:
        """Return scheme://host[:port], without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def check_url(url: str, *, allow_private: bool) -> None:
    """Check what the text of a caller's URL shows; raise `ValidationError` `invalid_image`.

    `allow_private` lets private hosts pass, but no malformed URL. The message never holds the URL.
    """
    try:
        parsed = parse_url(url)
        if not allow_private:
            require_public_host(parsed)
    except ValueError as exc:
        raise ValidationError(f"The URL {exc}.", code="invalid_image") from None


def require_webhook(url: str, *, allow_private: bool) -> ParsedUrl:
    """Return where a caller's webhook is; raise `ValueError` as `parse_url` does.

    It is spoken to by https alone, at a public host; `allow_private` lets all pass, for local work.
    """
    parsed = parse_url(url, max_length=MAX_WEBHOOK_LENGTH)
    _require("#" not in url, "must not have a fragment, which nobody would be sent")
    if not allow_private:
        _require(parsed.scheme == "https", "must start with https://")
        require_public_host(parsed)
    return parsed


def origin(url: str) -> str:
    """Return a URL's scheme://host[:port] in its one spelling; `ValueError` if it is malformed."""
    return parse_url(url).origin


def is_at(url: str, *origins: str) -> bool:
    """Return whether a URL is at one of these origins; a malformed one is at none."""
    try:
        return origin(url) in origins
    except ValueError:
        return False


def parse_url(url: str, *, max_length: int = MAX_URL_LENGTH) -> ParsedUrl:
    """Take an http(s) URL apart; raise `ValueError` whose text, after "the URL", names the rule."""
    _require(len(url) <= max_length, f"must not be longer than {max_length:,} characters")
    _require(not _FORBIDDEN.search(url), "must not hold blanks, control characters or backslashes")
    scheme, colon, rest = url.partition("://")
    scheme = scheme.lower()
    _require(colon and scheme in _DEFAULT_PORTS, "must start with http:// or https://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _require("@" not in authority, "must not carry a user name or password")
    _require(authority.isascii(), "must spell its host in ASCII (the xn-- form)")
    parts = _AUTHORITY.fullmatch(authority.lower())  # ASCII by now: a Kelvin sign lowers to "k"
    host, port = parts.groups() if parts else ("", None)
    number = _DEFAULT_PORTS[scheme] if port is None else int(port)
    _require(host and 0 < number <= _HIGHEST_PORT, "must name a host and no port but 1 to 65535")
    return _parsed_host(scheme, host, number)


def require_public_host(parsed: ParsedUrl) -> None:
    """Refuse what is private before any look-up; raises `ValueError` as `parse_url` does."""
    if parsed.is_literal:
        _require(is_public_address(parsed.host), "must not point to a private or reserved address")
    else:
        private = "." not in parsed.host or _PRIVATE_NAME.fullmatch(parsed.host)
        _require(not private, "must not name a private host")


def is_public_address(address: str) -> bool:
    """Return whether an IP address, as `getaddrinfo` writes it, is a host on the public internet.

    Anything doubtful is not: every address that embeds another, save NAT64 around a public one.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if ip in _NAT64:
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return (
        "%" not in address  # a zone: one of this machine's own links
        and ip.is_global
        and (isinstance(ip, ipaddress.IPv4Address) or ip in _UNICAST)
        and not any(ip in network for network in _REFUSED)
    )


def _parsed_host(scheme: str, host: str, port: int) -> ParsedUrl:
    if host.startswith("["):
        return ParsedUrl(scheme, _literal(ipaddress.IPv6Address, host[1:-1]), port, is_literal=True)
    _require(_NAME.fullmatch(host), "must name a valid host")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return ParsedUrl(scheme, _literal(ipaddress.IPv4Address, host), port, is_literal=True)
    return ParsedUrl(scheme, host, port, is_literal=False)


def _literal(kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], text: str) -> str:
    try:
        _require("%" not in text, "must not name a zone")
        return str(kind(text))
    except ValueError:
        rule = "must write an IP address as four decimal numbers, or as plain IPv6 in brackets"
        raise ValueError(rule) from None


def _require(condition: object, rule: str) -> None:
    if not condition:
        raise ValueError(rule)
