"""The tools: each is a route of the REST dialect under another name, by the same use cases.

`tools/openapi/mcp_tools.py` describes them, in the `mcp_tools.json` that clients read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from videoapi.accounts.rate_limits import Limiter
from videoapi.api import dry_runs, listing, models, validation
from videoapi.api.application import SERVER_ERROR, Api
from videoapi.api.idempotency import caller_of
from videoapi.api.mcp import arguments, results
from videoapi.api.mcp.results import ToolResult
from videoapi.api.rest.image_requests import NewUpload
from videoapi.api.rest.requests import from_rest
from videoapi.aws.forecasts import CachedForecast
from videoapi.aws.presigned import UrlSigner
from videoapi.aws.task_store import TaskStore
from videoapi.domain.tasks import Dialect
from videoapi.errors import VideoApiError
from videoapi.usecases import uploads
from videoapi.usecases.cancellation import Cancellation
from videoapi.usecases.lookup import get_owned_task
from videoapi.usecases.submission import Submissions


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Tools:
    """What an agent may call, on behalf of the key of the request that `api` handles."""

    api: Api
    store: TaskStore
    links: UrlSigner
    forecasts: CachedForecast
    logger: Logger
    submissions: Submissions
    cancellation: Cancellation
    limiter: Limiter

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools."""
        return tuple(self._calls)

    def call(self, name: str, args: dict[str, Any]) -> ToolResult:
        """Call a tool of `names`. What is wrong with the call is told in its result."""
        try:
            return self._calls[name](args)
        except VideoApiError as error:
            log = self.logger.error if error.status >= SERVER_ERROR else self.logger.info
            log("refused", code=error.code, tool=name, notes=getattr(error, "__notes__", None))
            return results.refusal(error)

    @property
    def _calls(self) -> Mapping[str, Callable[[dict[str, Any]], ToolResult]]:
        return {
            "generate_video": self._generate,
            "get_video": self._get,
            "list_videos": self._list,
            "cancel_video": self._cancel,
            "list_models": self._models,
            "create_upload": self._upload,
        }

    def _generate(self, args: dict[str, Any]) -> ToolResult:
        api = self.api
        wanted = from_rest(args, api.settings, arguments.GenerateVideoCall)
        key = args.get("idempotency_key")
        headers = {} if key is None else {"idempotency-key": key}
        if key is None and (header := api.headers.get("idempotency-key")) is not None:
            headers = {"idempotency-key": header}
        caller = caller_of(headers, api.key, api.clock(), Dialect.REST, api.received_at)
        if args.get("dry_run"):
            preview = self.submissions.preview(wanted, caller)
            return results.previewed(dry_runs.described(wanted.request.model, preview))
        done = self.submissions.submit(wanted, caller)
        return results.accepted(done, now=api.clock())

    def _get(self, args: dict[str, Any]) -> ToolResult:
        task_id = _checked(arguments.OneVideo, args).task_id
        task = get_owned_task(self.store, task_id, self.api.caller)
        forecast, now = self.forecasts.of_use_to(task), self.api.clock()
        return results.video(task, self.links, now=now, forecast=forecast)

    def _list(self, args: dict[str, Any]) -> ToolResult:
        wanted = _checked(arguments.ListVideos, args).model_dump(exclude_none=True)
        query = {name: str(value) for name, value in wanted.items()}
        page = listing.rest_page(self.store, self.api.caller, query, now=self.api.clock())
        return results.page(page)

    def _cancel(self, args: dict[str, Any]) -> ToolResult:
        task_id = _checked(arguments.OneVideo, args).task_id
        return results.cancelled(self.cancellation.cancel(task_id, self.api.caller))

    def _models(self, args: dict[str, Any]) -> ToolResult:
        _checked(arguments.ListModels, args)
        return results.models(models.listed(self.api.settings))

    def _upload(self, args: dict[str, Any]) -> ToolResult:
        body = _checked(NewUpload, args)
        now = self.api.clock()
        self.limiter.admit_upload(self.api.key, now)
        return results.upload(
            uploads.offer(self.api.caller, self.links, now=now, **body.model_dump())
        )


def _checked[Arguments: BaseModel](kind: type[Arguments], args: dict[str, Any]) -> Arguments:
    return validation.validated(kind, args, default_param="arguments")
