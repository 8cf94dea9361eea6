"""Pages of a caller's tasks in either dialect."""

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from videoapi.api.openai import responses as openai_responses
from videoapi.api.replies import NO_STORE, json_response
from videoapi.api.rest import responses as rest_responses
from videoapi.aws.presigned import UrlSigner
from videoapi.aws.task_items import listed_at
from videoapi.aws.task_store import TaskStore
from videoapi.domain.tasks import Status
from videoapi.errors import ValidationError

MAX_LIMIT, DEFAULT_LIMIT = 100, 20
LISTED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z#vid_[a-z0-9]{0,64}")
STATUSES = tuple(status for status in Status if status is not Status.DELETED)


@dataclass(frozen=True)
class RestPage:
    """One page, and the query of the next."""

    body: list[dict[str, Any]]
    following: dict[str, str] | None

    def link(self, base: str) -> dict[str, str]:
        """Return the `Link` header (RFC 8288) of the next page."""
        if self.following is None:
            return {}
        return {"Link": f'<{base}/api/v1/tasks?{urlencode(self.following)}>; rel="next"'}

    def answer(self, base: str) -> Response[str]:
        """Return the page as an answer."""
        return json_response(self.body, extra=NO_STORE | self.link(base))


def rest_page(store: TaskStore, owner: str, query: Mapping[str, str], *, now: float) -> RestPage:
    """Return a page, newest first. Raises `ValidationError` naming the bad parameter."""
    limit, status = _limit(query), query.get("status")
    if status is not None and status not in STATUSES:
        raise ValidationError.field("status", f"say one of {', '.join(STATUSES)}")
    after = _read_cursor(query["cursor"]) if "cursor" in query else None
    page = store.page(owner, limit=limit, after=after, status=status)
    following = None
    if page.after is not None:
        following = {"limit": str(limit), "cursor": _cursor(page.after)}
        following |= {"status": status} if status else {}
    return RestPage([rest_responses.rest_summary(task, now=now) for task in page.tasks], following)


def openai_page(
    store: TaskStore,
    links: UrlSigner,
    owner: str,
    query: Mapping[str, str],
    *,
    vocabulary: str,
    now: float,
) -> dict[str, Any]:
    """Return a page of video objects.

    An `after` that was deleted keeps its place: the SDKs page on while their caller deletes.
    """
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ValidationError.field("order", "say asc or desc")
    after, limit = None, _limit(query)
    if "after" in query:
        last = store.get(query["after"], deleted=True)
        if last is None or last.owner != owner:
            raise ValidationError.field("after", "no such video")
        after = listed_at(last)
    page = store.page(owner, limit=limit, after=after, newest_first=order == "desc")
    words = vocabulary != "document"
    videos = [
        openai_responses.openai_video(task, links, now=now, sdk_words=words) for task in page.tasks
    ]
    return openai_responses.openai_list(videos, more=page.after is not None)


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(MAX_LIMIT))
        and 1 <= int(text) <= MAX_LIMIT
    ):
        raise ValidationError.field("limit", f"say a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _cursor(listed: str) -> str:
    return base64.urlsafe_b64encode(listed.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    with suppress(binascii.Error, ValueError):
        padded = cursor + "=" * (-len(cursor) % 4)
        listed = base64.b64decode(padded, b"-_", validate=True).decode()
        if LISTED_AT.fullmatch(listed):
            return listed
    raise ValidationError.field("cursor", "not a cursor of this API")
