import base64

import pytest

from videoapi.api import listing
from videoapi.api.listing import RestPage
from videoapi.errors import ValidationError

NOW = 1_768_127_400.0


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_a_page_has_1_to_100_tasks(cloud, lives, limit):
    for _ in range(8):
        lives.pending()
    page = listing.rest_page(cloud.store, "anonymous", {"limit": limit})
    assert len(page.body) == min(int(limit), 8)


def test_a_page_without_a_next_one_has_no_link():
    assert RestPage([], None).link("https://api") == {}


def test_the_link_of_the_next_page_is_encoded():
    link = RestPage([], {"limit": "2", "cursor": "a=b&c"}).link("https://api")
    assert link == {"Link": '<https://api/api/v1/tasks?limit=2&cursor=a%3Db%26c>; rel="next"'}


def test_a_cursor_is_a_text_that_needs_no_encoding_and_works_with_and_without_padding(cloud, lives):
    tasks = [lives.pending(now=NOW + number) for number in range(3)]
    page = listing.rest_page(cloud.store, "anonymous", {"limit": "1"})
    cursor = page.following["cursor"]
    assert set(cursor) <= set(base64.urlsafe_b64encode(bytes(range(256))).decode())
    for spelling in (cursor, cursor + "=" * (-len(cursor) % 4)):
        following = listing.rest_page(cloud.store, "anonymous", {"cursor": spelling})
        assert [line["task_id"] for line in following.body] == [
            tasks[1].task_id,
            tasks[0].task_id,
        ]


def test_a_bad_query_asks_the_table_nothing(cloud):
    for query in ({"limit": "0"}, {"status": "x"}, {"cursor": "x"}):
        with pytest.raises(ValidationError):
            listing.rest_page(cloud.store, "anonymous", query)
    assert "dynamodb:Query" not in cloud.calls.made
