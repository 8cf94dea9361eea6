"""Our own key is found in a relay's answer under every writing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoapi.redaction import blot_out, mask, quotes

KEY = "sk-Relay/key+0123"


def test_escapes_within_escapes_are_undone_to_a_bound():
    text = KEY
    for _ in range(3):
        text = text.replace("%", "%25").replace("/", "%2F")
    assert quotes(KEY, text)
    assert not quotes(KEY, text.replace("%", "%2525"))


@pytest.mark.parametrize("text", [KEY, f"a{KEY}b", KEY.lower(), KEY.replace("/", "%2f"), KEY + "%"])
def test_the_key_is_found(text):
    assert quotes(KEY, text)


@pytest.mark.parametrize("text", ["", "sk-Relay", KEY[:-1], "relay key", "%", "\\u00", "&#;"])
def test_another_text_does_not_quote_the_key(text):
    assert not quotes(KEY, text)


@pytest.mark.parametrize("key", ["", "short", " \n"])
def test_a_key_as_short_as_a_word_is_not_looked_for(key):
    assert not quotes(key, "a short word")
    assert blot_out(key, bytearray(b"a short word")) == b"a short word"


def test_every_string_of_an_answer_that_quotes_the_key_is_masked():
    answer = {"a": KEY, "b": [1, f"x {KEY}", {"c": [KEY.upper(), "d"]}], "e": None}
    mask(KEY, answer)
    assert answer == {"a": "***", "b": [1, "***", {"c": ["***", "d"]}], "e": None}


def test_an_answer_nested_as_deep_as_json_allows_is_masked():
    answer = {}
    for _ in range(50_000):
        answer = {"a": answer}
    mask(KEY, answer)


def test_the_bytes_of_the_key_are_blotted_out():
    assert blot_out(KEY, bytearray(f"a {KEY} b".encode())) == b"a *** b"


WRITINGS = st.sampled_from(
    [
        str,
        lambda sign: f"%{ord(sign):02X}",
        lambda sign: f"%25{ord(sign):02x}",
        lambda sign: f"\\u{ord(sign):04x}",
        lambda sign: f"\\\\u{ord(sign):04X}",
        lambda sign: f"&#{ord(sign)};",
        lambda sign: f"&#x{ord(sign):x};",
        str.swapcase,
        lambda sign: f"{sign}\u200b",
    ]
)


@settings(max_examples=300, deadline=None)
@given(writings=st.lists(WRITINGS, min_size=len(KEY), max_size=len(KEY)), around=st.text())
def test_a_key_of_which_each_letter_is_written_in_another_way_is_found(writings, around):
    around = around.replace("&", "").replace("\\", "").replace("%", "")
    written = "".join(write(sign) for write, sign in zip(writings, KEY, strict=True))
    assert quotes(KEY, f"{around}|{written}|{around}")
