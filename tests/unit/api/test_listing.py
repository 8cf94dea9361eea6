import base64

import pytest

from videoapi.api import listing
from videoapi.api.listing import RestPage
from videoapi.errors import ValidationError

NOW = 1_768_127_400.0


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_a_page_has_1_to_100_tasks(services, task_factory, limit):
    for _ in range(8):
        task_factory.pending()
    page = listing.rest_page(services.store, "anonymous", {"limit": limit}, now=NOW)
    assert len(page.body) == min(int(limit), 8)


def test_a_page_without_a_next_one_has_no_link():
    assert RestPage([], None).link("https://api") == {}


def test_the_link_of_the_next_page_is_encoded():
    link = RestPage([], {"limit": "2", "cursor": "a=b&c"}).link("https://api")
    assert link == {"Link": '<https://api/api/v1/tasks?limit=2&cursor=a%3Db%26c>; rel="next"'}


def test_cursor_needs_no_encoding_nor_padding(services, task_factory):
    tasks = [task_factory.pending(now=NOW + number) for number in range(3)]
    page = listing.rest_page(services.store, "anonymous", {"limit": "1"}, now=NOW)
    cursor = page.following["cursor"]
    assert set(cursor) <= set(base64.urlsafe_b64encode(bytes(range(256))).decode())
    for spelling in (cursor, cursor + "=" * (-len(cursor) % 4)):
        following = listing.rest_page(services.store, "anonymous", {"cursor": spelling}, now=NOW)
        assert [line["task_id"] for line in following.body] == [
            tasks[1].task_id,
            tasks[0].task_id,
        ]


def test_a_bad_query_asks_the_table_nothing(services):
    for query in ({"limit": "0"}, {"status": "x"}, {"cursor": "x"}):
        with pytest.raises(ValidationError):
            listing.rest_page(services.store, "anonymous", query, now=NOW)
    assert "dynamodb:Query" not in services.calls.made
