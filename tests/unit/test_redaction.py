"""Our own key is found in a relay's answer under every writing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoapi.redaction import holds_key, mask_key, mask_key_in_body, redact, redact_prompts

KEY = "sk-Relay/key+0123"


def test_escapes_within_escapes_are_undone_to_a_bound():
    text = KEY
    for _ in range(3):
        text = text.replace("%", "%25").replace("/", "%2F")
    assert holds_key(KEY, text)
    assert not holds_key(KEY, text.replace("%", "%2525"))


@pytest.mark.parametrize("text", [KEY, f"a{KEY}b", KEY.lower(), KEY.replace("/", "%2f"), KEY + "%"])
def test_the_key_is_found(text):
    assert holds_key(KEY, text)


@pytest.mark.parametrize("text", ["", "sk-Relay", KEY[:-1], "relay key", "%", "\\u00", "&#;"])
def test_another_text_does_not_quote_the_key(text):
    assert not holds_key(KEY, text)


@pytest.mark.parametrize("key", ["", "short", " \n"])
def test_a_key_as_short_as_a_word_is_not_looked_for(key):
    assert not holds_key(key, "a short word")
    assert mask_key_in_body(key, bytearray(b"a short word")) == b"a short word"


def test_every_string_of_an_answer_that_quotes_the_key_is_masked():
    response = {"a": KEY, "b": [1, f"x {KEY}", {"c": [KEY.upper(), "d"]}], "e": None}
    mask_key(KEY, response)
    assert response == {"a": "***", "b": [1, "***", {"c": ["***", "d"]}], "e": None}


def test_an_answer_nested_as_deep_as_json_allows_is_masked():
    response = {}
    for _ in range(50_000):
        response = {"a": response}
    mask_key(KEY, response)


def test_the_bytes_of_the_key_are_redacted():
    assert mask_key_in_body(KEY, bytearray(f"a {KEY} b".encode())) == b"a *** b"


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
def test_key_with_every_letter_written_differently_is_found(writings, around):
    around = around.replace("&", "").replace("\\", "").replace("%", "")
    written = "".join(write(sign) for write, sign in zip(writings, KEY, strict=True))
    assert holds_key(KEY, f"{around}|{written}|{around}")


@pytest.mark.parametrize(
    ("text", "passed_on"),
    [
        ("plain words", "plain words"),
        ("two\nlines\tand \u202eno\u200b tricks\x00\ud800", "two lines and no tricks"),
        ("see https://u:p@h.example/a/b?sig=1#f now", "see https://h.example/a/b now"),
        ("https://h.example/a\\u003fX-Amz-Signature=1\\u0026k=2", "https://h.example/a"),
        ("postgres://root:hunter2@db/x", "postgres://db/x"),
        ("got data:image/png;base64,AAAA", "got data:…"),
        ("Incorrect API key provided: sk-ab12***cd34.", "Incorrect API key provided: ***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ('{"api_key": "hunter2", "a": 1}', '{"api_key": "***", "a": 1}'),
        ("with bearer abc", "with ***"),
        (
            "无效的令牌sk-abc123见https://h.example/a?key=1",
            "无效的令牌***见https://h.example/a",
        ),
        ("key AIzaSyA1234567890", "key ***"),
        ("ya29.a0AbC-d_e.f of Google", "*** of Google"),
        ("jwt eyJhbGciOi.eyJzdWIi.sig", "jwt ***"),
        ("trace 0123456789abcdef0123456789abcdef", "trace ***"),
        ("request 123e4567-e89b-12d3-a456-426614174000", None),
        ("PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED", None),
        ("至少需要 4 秒", None),
    ],
)
def test_a_relays_words_are_cleaned_of_secrets_and_tricks(text, passed_on):
    assert redact(text) == (text if passed_on is None else passed_on)


def test_no_more_is_read_of_a_relays_words_than_bears_reading():
    assert redact(" " * 2000 + "x") == ""


def test_a_relays_words_are_shortened():
    assert redact("word " * 400) == ("word " * 60)[:299] + "…"


def test_what_a_sentence_quotes_of_a_prompt_is_cut_out():
    text = "the words 'a red fox runs' and 'red fox' are not allowed"
    assert redact_prompts(text, "a red fox runs", None) == "the words '…' and '…' are not allowed"
