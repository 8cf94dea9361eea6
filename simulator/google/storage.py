"""Cloud Storage, as far as the results of models lie in it: GET of an object."""

import re
import time
import uuid
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.files import served
from simulator.google import access_tokens
from simulator.google.errors import answering
from simulator.jobs import Job
from simulator.wire import Wire

_URI: Final = re.compile(r"gs://(?P<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])/?(?P<prefix>.*)")
_SUFFIX: Final = "/sample_{number}.mp4"


class Storage(Wire):
    """The JSON API's one route. Handlers raise Refusal."""

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        return [
            Route(f"{prefix}/storage/v1/b/{{bucket}}/o/{{name:path}}", answering(self.read))
            for prefix in ("", "/download")
        ]

    async def read(self, request: Request) -> Response:
        """Hand out a video, or without `alt=media` what is known of it."""
        access_tokens.require(request)
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        job = self._job(f"gs://{bucket}/{name}")
        if job is None or job.video is None:
            raise Refusal(404, "not_found", f"No such object: {bucket}/{name}")
        self._state.ledger.count(job.order.provider, "file_reads")
        if request.query_params.get("alt") != "media":
            size = str(job.video.path.stat().st_size)
            return JSONResponse(
                {
                    "kind": "storage#object",
                    "bucket": bucket,
                    "name": name,
                    "contentType": "video/mp4",
                    "size": size,
                }
            )
        fault = job.plan.at(Stage.FILE, job.visit(Stage.FILE))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        return served(job.video.path, fault)

    def _job(self, uri: str) -> Job | None:
        now = time.time()
        jobs = self._state.ledger.jobs.values()
        found = (job for job in jobs if uri in uris(job) and job.state(now) == "completed")
        return next(found, None)


def uris(job: Job) -> list[str]:
    """Return where the videos of a job lie in a bucket; nothing where none was named."""
    match = _URI.fullmatch(job.order.fields.get("storageUri", ""))
    if match is None:
        return []
    number = uuid.uuid5(uuid.NAMESPACE_URL, job.id).int % 10**19
    prefix = match["prefix"].rstrip("/")
    folder = "/".join(part for part in (match["bucket"], prefix, str(number)) if part)
    count = int(job.order.fields.get("sampleCount", "1"))
    return [f"gs://{folder}{_SUFFIX.format(number=each)}" for each in range(count)]
