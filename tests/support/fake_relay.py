"""An OpenAI-style relay in memory, behind httpx's own `MockTransport`."""

import re
from collections import deque
from dataclasses import dataclass

import httpx

from tests.support.movies import mp4

CDN = "https://cdn.example.com"


@dataclass
class UpstreamJob:
    """A job that the relay accepted, and was paid for."""

    upstream_id: str
    task_id: str
    order: dict
    since: float
    until: float
    ending: object  # answer fields at the end, or None for a video

    def alive(self, now):
        return now < self.until


class FakeRelay:
    """An OpenAI-style relay behind `MockTransport`.

    `posts`, `looks` and `contents` hold the next answers, used up one by one: a response, an
    exception, or what makes one of the request. Without any, it behaves. `endings` are used up by
    the jobs it accepts: fields of their last answer, or None for a video.
    """

    def __init__(self, sim):
        self.jobs, self.requests = [], []
        self.posts, self.looks, self.contents, self.endings = (deque() for _ in range(4))
        self.takes = 30.0  # seconds for a generation
        self.silent_seconds = 0.0  # of a generation, of which no progress is told
        self.video = {"video_url": f"{CDN}/video.mp4"}
        self.polls = []
        self._sim = sim

    @property
    def orders(self):
        """Every POST, accepted or not."""
        return [request for request in self.requests if request.method == "POST"]

    def __call__(self, request):
        self.requests.append(request)
        now = self._sim.clock()
        if request.method == "POST":
            return self._post(request)
        upstream_id, _, content = request.url.path.removeprefix("/v1/videos/").partition("/")
        if content:
            self._sim.at("content")
            return next_of(self.contents, request) or httpx.Response(200, content=mp4())
        self._sim.at("look")
        self.polls.append(now)
        return next_of(self.looks, request) or self._look(upstream_id, now)

    def paid(self, task_id):
        """Return a task's jobs that were accepted and did not end by the relay's own trouble."""
        return [job for job in self.jobs_of(task_id) if not self._free(job)]

    def jobs_of(self, task_id):
        return [job for job in self.jobs if job.task_id == task_id]

    def accept(self, request):
        key = request.headers["idempotency-key"]
        now = self._sim.clock()
        job = UpstreamJob(
            upstream_id=f"video:{len(self.jobs) + 1}",
            task_id=key.rpartition("-")[0],
            order=form_of(request),
            since=now,
            until=now + self.takes,
            ending=self.endings.popleft() if self.endings else None,
        )
        self.jobs.append(job)
        return httpx.Response(200, json={"id": job.upstream_id, "status": "queued"})

    def _free(self, job):
        """A transient failure or an audio filter that the relay has told: nothing is charged."""
        return job.ending is not None and not job.alive(self._sim.clock())

    def _post(self, request):
        self._sim.at("post")
        response = next_of(self.posts, request) or self.accept(request)
        self._sim.at("posted")
        return response

    def _look(self, upstream_id, now):
        job = next((each for each in self.jobs if each.upstream_id == upstream_id), None)
        if job is None:
            return httpx.Response(404, json={"code": "task_not_exist"})
        if job.alive(now):
            percent = int(100 * (now - job.since) / (job.until - job.since))
            body = {"progress": percent} if now - job.since >= self.silent_seconds else {}
            return httpx.Response(200, json={"status": "processing", **body})
        ending = {"status": "completed", "progress": 100, **self.video}
        return httpx.Response(200, json={"id": upstream_id, **(job.ending or ending)})


def failed(code, message="The generation failed."):
    """Return the last answer of a job that failed."""
    return {"status": "failed", "error": {"code": code, "message": message}}


def form_of(request):
    """Return the fields of a multipart order; a file as its bytes."""
    boundary = re.search("boundary=(.+)", request.headers["content-type"])[1].encode()
    fields = {}
    for part in request.read().split(b"--" + boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)[1].decode()
        fields[name] = value if b"filename=" in head else value.decode()
    return fields


def next_of(answers, request):
    response = answers.popleft() if answers else None
    if callable(response):
        response = response(request)
    if isinstance(response, BaseException):
        raise response
    return response
