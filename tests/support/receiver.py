"""A webhook's receiver in memory, in place of `net.callbacks`: it takes all, unless told else."""

import json
from collections import Counter, deque

from videoapi.net.callbacks import Answer

OK = Answer(204, None, 12)


def refused(status):
    return Answer(status, f"answered {status}", 12)


class Receiver:
    """Keeps every event; `answers` are given first, then `OK`."""

    allow_private = False

    def __init__(self, at=lambda _: None):
        """`at` hears of each POST, before and after it."""
        self.answers = deque()
        self.posts = []  # (url, body, headers), in order
        self._at = at

    def post(self, url, body, headers):
        self._at("told")
        response = self.answers.popleft() if self.answers else OK
        self.posts.append((url, body, headers))
        self._at("answered by the receiver")
        return response

    @property
    def events(self):
        """The events, repetitions included."""
        return [json.loads(body) for _, body, _ in self.posts]

    def ids_by_task(self):
        """Return how often each id was told, by task."""
        ids = {}
        for _, body, headers in self.posts:
            event = json.loads(body)
            assert headers["webhook-id"] == event["id"]
            ids.setdefault(event["data"]["task_id"], Counter())[event["id"]] += 1
        return ids
