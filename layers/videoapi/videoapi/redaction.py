"""Our own key in a relay's answer: some relays quote it, plain, escaped, or inside a link."""

import re
import unicodedata
from html import unescape
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"

_SECRET_MIN: Final = 8  # characters; to blot out a shorter "key" would blot out ordinary words
_READ_MAX: Final = 20_000  # characters of a string; what is longer is shown to nobody
_ROUNDS: Final = 3  # of escapes inside escapes
_ESCAPE: Final = re.compile(r"\\+(?:u00([0-9a-f]{2})|x([0-9a-f]{2})|(/))", re.IGNORECASE)


def quotes(key: str, text: str) -> bool:
    """Tell whether a text holds the key: in any case, percent-encoded, or escaped in any way."""
    return _holds(text, _bare(key))


def _holds(text: str, secret: str) -> bool:
    return len(secret) >= _SECRET_MIN and secret in _bare(text[:_READ_MAX])


def blot_out(key: str, body: bytearray) -> bytearray:
    """Return a body that does not hold the key as it is."""
    secret = key.encode()
    if len(secret) < _SECRET_MIN or secret not in body:
        return body
    return body.replace(secret, MASK.encode())


def mask(key: str, answer: dict[str, Any]) -> None:
    """Put `***` in the place of every string of an answer that quotes the key, however deep."""
    secret = _bare(key)
    parts: list[dict[str, Any] | list[Any]] = [answer]
    while parts:
        part: Any = parts.pop()
        for place in part if isinstance(part, dict) else range(len(part)):
            value = part[place]
            if isinstance(value, dict | list):
                parts.append(value)
            elif isinstance(value, str) and _holds(value, secret):
                part[place] = MASK


def _bare(text: str) -> str:
    """Undo every escape and writing under which a reader, or a program, still finds the key."""
    text = _printable(text)
    for _ in range(_ROUNDS):
        undone = unescape(unquote(_ESCAPE.sub(_sign, text)))
        if undone == text:
            break
        text = undone
    return unicodedata.normalize("NFKC", _printable(text)).casefold()


def _sign(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else "/"


def _printable(text: str) -> str:
    return text if text.isascii() and text.isalnum() else "".join(filter(_stays, text))


def _stays(sign: str) -> bool:
    return sign.isprintable() and not sign.isspace()
