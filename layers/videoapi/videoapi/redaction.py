"""Take out what nobody may read: our key in a provider's answer, secrets and prompts in a sentence.

Some relays quote the key that they were sent: plain, escaped, or inside a link.
"""

import re
import unicodedata
from difflib import Match, SequenceMatcher
from html import unescape
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"

MAX_MESSAGE: Final = 300  # characters of a provider's own sentence that a caller gets to see
_MAX_SENTENCE: Final = 2000  # characters that are looked at, so that no pattern runs for long
_QUOTE_MIN: Final = 6  # characters in a row that a prompt and a sentence share
_SECRET_MIN: Final = 8  # characters; to blot out a shorter "key" would blot out ordinary words
_MAX_READ: Final = 20_000  # characters of a string; what is longer is shown to nobody
_ROUNDS: Final = 3  # of escapes inside escapes
_ESCAPE: Final = re.compile(r"\\+(?:u00([0-9a-f]{2})|x([0-9a-f]{2})|(/))", re.IGNORECASE)


def holds_key(key: str, text: str) -> bool:
    """Return whether a text holds the key: in any case, percent-encoded, or escaped in any way."""
    return _holds(text, _bare(key))


def _holds(text: str, secret: str) -> bool:
    return len(secret) >= _SECRET_MIN and secret in _bare(text[:_MAX_READ])


def mask_key_in_body(key: str, body: bytearray) -> bytearray:
    """Return a body that does not hold the key as it is."""
    secret = key.encode()
    if len(secret) < _SECRET_MIN or secret not in body:
        return body
    return body.replace(secret, MASK.encode())


def mask_key(key: str, response: dict[str, Any]) -> None:
    """Put `***` in the place of every string of an answer that quotes the key, however deep."""
    secret = _bare(key)
    parts: list[dict[str, Any] | list[Any]] = [response]
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


_PLAIN: Final = re.IGNORECASE | re.ASCII  # a key may stand right behind a Chinese word
_DATA_URL: Final = re.compile(r"\bdata:[^\s,]{0,100},\S+", _PLAIN)
_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,15}://)"  # the scheme is kept,
    r"(?:[^\s\"'<>/?#@]*@)?"  # a user and password are not,
    r"([^\s\"'<>?#\\]*)"  # host and path are,
    r"[^\s\"'<>]*",  # query and fragment are not, nor a `?` written as \u003f
    _PLAIN,
)
_NAMED_SECRET: Final = re.compile(
    r"((?:key|token|secret|signature|password|authorization|credential)[\w-]{0,20}"
    r"[\"'\\]{0,2}\s?[=:]\s?[\"'\\]{0,2})(?:bearer\s)?[^\s\"',;&}\\]+",
    _PLAIN,
)
_BARE_SECRET: Final = re.compile(
    r"\bbearer\s\S+|\b(?:sk|pk|ak|rk)-[\w*.-]{4,}|\bAIza[\w-]{10,}|\bya29\.[\w.-]{4,}"
    r"|\beyJ[\w-]+\.[\w.-]+|[A-Za-z0-9]{32,}",
    _PLAIN,
)


def redact(text: str) -> str:
    """Return one printable line of at most 300 characters, without queries, data or likely keys."""
    text = "".join(c if c.isprintable() else " " * c.isspace() for c in text[:_MAX_SENTENCE])
    text = " ".join(text.split())
    text = _DATA_URL.sub("data:…", text)
    text = _URL.sub(r"\1\2", text)
    text = _NAMED_SECRET.sub(r"\1***", text)
    text = _BARE_SECRET.sub("***", text)
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def redact_prompts(text: str, *prompts: str | None) -> str:
    """Return a cleaned sentence without what it quotes of a prompt, for the log.

    A relay may quote any part of it, cut, or twice: what runs alike for six characters goes.
    """
    for prompt in filter(None, prompts):
        while (alike := _longest_alike(text, prompt)).size >= _QUOTE_MIN:
            text = f"{text[: alike.a]}…{text[alike.a + alike.size :]}"  # each time shorter
    return text


def _longest_alike(text: str, prompt: str) -> Match:
    return SequenceMatcher(None, text, prompt, autojunk=False).find_longest_match()
