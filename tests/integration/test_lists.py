"""Pages of tasks in either dialect."""

import base64
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.task_factory import new_task

NOW = 1_768_127_400.25
UNPRICED = {"currency": "USD", "estimated": None, "actual": None, "final": False}
SUMMARY_KEYS = {"task_id", "status", "progress", "created_at", "updated_at", "message", "cost"}
MANY = 250


@pytest.fixture
def many(services):
    """Return the ids of 250 tasks of the same millisecond."""
    tasks = [new_task(now=NOW) for _ in range(MANY)]
    services.put(tasks)
    return [task.task_id for task in tasks]


def next_query(answer):
    """Return the query of the `Link` header's next page; None at the end."""
    link = answer.headers.get("link")
    if link is None:
        return None
    target, rel = link.split("; ")
    assert rel == 'rel="next"'
    url = urlsplit(target.strip("<>"))
    assert url.path == "/api/v1/tasks"
    return dict(parse_qsl(url.query))


def rest_pages(client, query):
    while query is not None:
        response = client.get("/api/v1/tasks", query=query)
        yield response.json
        query = next_query(response)


def openai_pages(client, query):
    while True:
        page = client.get("/v1/videos", query=query).json
        yield page
        if not page["has_more"]:
            return
        query = query | {"after": page["last_id"]}


def test_250_tasks_of_one_instant_are_paged_whole_in_rest(client, many):
    pages = list(rest_pages(client, {"limit": "100"}))
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [each["task_id"] for page in pages for each in page] == sorted(many, reverse=True)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_250_videos_of_one_instant_are_paged_whole(client, many, order):
    pages = list(openai_pages(client, {"limit": "100", "order": order}))
    assert [len(page["data"]) for page in pages] == [100, 100, 50]
    listed = [video["id"] for page in pages for video in page["data"]]
    assert listed == sorted(many, reverse=order == "desc")
    for page in pages:
        assert page["first_id"] == page["data"][0]["id"]
        assert page["last_id"] == page["data"][-1]["id"]


def test_a_page_that_ends_with_the_last_task_names_no_next_one(client, task_factory):
    for _ in range(4):
        task_factory.pending()
    assert next_query(client.get("/api/v1/tasks", query={"limit": "4"})) is None
    assert client.get("/v1/videos", query={"limit": "4"}).json["has_more"] is False
    assert client.get("/v1/videos", query={"limit": "3"}).json["has_more"] is True


def test_a_page_is_20_tasks_unless_said_otherwise(client, task_factory):
    for _ in range(21):
        task_factory.pending()
    assert len(client.get("/api/v1/tasks").json) == 20
    assert len(client.get("/v1/videos").json["data"]) == 20


def test_rest_lists_an_array_newest_first(client, task_factory):
    older = task_factory.pending(now=NOW)
    newer = task_factory.completed(now=NOW + 1)
    response = client.get("/api/v1/tasks")
    assert response.json == [
        {
            "task_id": newer.task_id,
            "status": "completed",
            "progress": 100,
            "created_at": "2026-01-11T10:30:01.250Z",
            "updated_at": "2026-01-11T10:30:01.250Z",
            "message": "The video is ready",
            "cost": UNPRICED,
        },
        {
            "task_id": older.task_id,
            "status": "pending",
            "progress": 0,
            "created_at": "2026-01-11T10:30:00.250Z",
            "updated_at": "2026-01-11T10:30:00.250Z",
            "message": "Waiting for a free slot",
            "cost": UNPRICED,
        },
    ]
    assert response.headers["cache-control"] == "no-store"
    assert response.calls == ["dynamodb:Query"]


def test_the_message_of_a_failed_task_is_its_error(client, task_factory):
    task = task_factory.failed()
    (line,) = client.get("/api/v1/tasks").json
    assert line.keys() == SUMMARY_KEYS
    assert line["message"] == task.error["message"]


def test_an_empty_list_is_a_list(client):
    assert client.get("/api/v1/tasks").json == []
    assert client.get("/v1/videos").json == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_a_listed_video_is_the_video_object_itself(client, task_factory):
    task = task_factory.completed(now=time.time() - 5)
    (listed,) = client.get("/v1/videos").json["data"]
    assert listed == client.get(f"/v1/videos/{task.task_id}").json


@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed", "cancelled"])
def test_rest_lists_one_status_alone(client, task_factory, status):
    for state in ("pending", "processing", "completed", "failed", "cancelled"):
        getattr(task_factory, state)()
    listed = client.get("/api/v1/tasks", query={"status": status}).json
    assert [each["status"] for each in listed] == [status]


def test_the_status_stays_chosen_on_the_next_page(client, task_factory):
    for _ in range(3):
        task_factory.pending()
        task_factory.cancelled()
    pages = list(rest_pages(client, {"limit": "2", "status": "cancelled"}))
    assert [[each["status"] for each in page] for page in pages] == [
        ["cancelled", "cancelled"],
        ["cancelled"],
    ]


@pytest.mark.usefixtures("many")
def test_rare_status_is_found_in_a_few_reads_a_page(client, task_factory):
    """A rare status is found behind any number of others a few reads a page."""
    oldest = task_factory.cancelled(now=NOW - 60)
    found, query = [], {"limit": "1", "status": "cancelled"}
    while query:
        response = client.get("/api/v1/tasks", query=query)
        assert response.calls.count("dynamodb:Query") <= 2
        found += response.json
        link = response.headers.get("link", "")
        query = dict(parse_qsl(urlsplit(link.partition(">")[0].lstrip("<")).query))
    assert [each["task_id"] for each in found] == [oldest.task_id]


def test_a_deleted_video_is_in_no_list(client, task_factory):
    task = task_factory.completed()
    client.delete(f"/v1/videos/{task.task_id}")
    assert client.get("/api/v1/tasks").json == []
    assert client.get("/v1/videos").json["data"] == []


def test_paging_goes_on_after_a_video_that_was_deleted_meanwhile(client, task_factory):
    tasks = [task_factory.completed(now=NOW + number) for number in range(4)]
    after = tasks[2].task_id
    client.delete(f"/v1/videos/{after}")
    page = client.get("/v1/videos", query={"after": after}).json
    assert [video["id"] for video in page["data"]] == [tasks[1].task_id, tasks[0].task_id]


def test_next_link_is_absolute(deploy, task_factory):
    """The next link is absolute on the request's own host or the public one."""
    for _ in range(2):
        task_factory.pending()
    query = {"limit": "1"}
    link = deploy().get("/api/v1/tasks", query=query).headers["link"]
    assert link.startswith("<https://a1b2c3d4e5.execute-api.")
    public = deploy(PUBLIC_URL="https://video.example.com/")
    link = public.get("/api/v1/tasks", query=query).headers["link"]
    assert link.startswith("<https://video.example.com/api/v1/tasks?limit=1&cursor=")


def cursor(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BAD = {
    "limit": ["0", "101", "-1", "", "ten", "1e1", "٣", "1,2", "9" * 5000],
    "status": ["", "queued", "deleted", "PENDING"],
    "cursor": [
        "",
        "%%%",
        "a",
        "=",
        "ü",
        cursor("x"),
        cursor("fingerprint#x"),
        cursor("x" * 2000),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
}
BAD_OPENAI = {
    "limit": BAD["limit"],
    "order": ["", "newest", "DESC"],
    "after": ["", "vid_none", "vid_" + "a" * 26, "x" * 3000, "fingerprint#anonymous#x"],
}


@pytest.mark.parametrize("name", BAD)
def test_rest_refuses_a_bad_query_with_422_by_its_name(client, name, subtests):
    for value in BAD[name]:
        with subtests.test(value[:40]):
            response = client.get("/api/v1/tasks", query={name: value})
            assert (response.status, response.error["type"]) == (422, "ValidationError")
            assert [each["field"] for each in response.error["details"]] == [name]


@pytest.mark.parametrize("name", BAD_OPENAI)
def test_openai_refuses_a_bad_query_with_400_by_its_name(client, name, subtests):
    for value in BAD_OPENAI[name]:
        with subtests.test(value[:40]):
            response = client.get("/v1/videos", query={name: value})
            assert (response.status, response.error["param"]) == (400, name)
            assert response.error["type"] == "invalid_request_error"


def test_somebody_elses_video_is_no_place_to_go_on_from(client, task_factory):
    task = task_factory.pending(owner="somebody-else")
    response = client.get("/v1/videos", query={"after": task.task_id})
    assert (response.status, response.error["param"]) == (400, "after")
