"""`Retry-After` as servers send it, and as they should not."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoapi.net.retry_after import retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "86400"}, 900),
        ({"retry-after": "9" * 20}, 900),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Wed, 21 Oct 2027 07:28:00 GMT", "date": DATE}, 900),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "today"}, None),
    ],
    ids=range(16),
)
def test_bounded_seconds_by_the_servers_own_clock(headers, seconds):
    assert retry_after(headers) == seconds


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=40), date=st.text(max_size=40))
def test_no_header_breaks_the_reader(value, date):
    for header, now in product((value, DATE), (date, DATE)):
        seconds = retry_after({"retry-after": header, "date": now})
        assert seconds is None or 0 <= seconds <= 900
