"""What a submit's headers and query say, and what follows: a task, or the price of one."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from videoapi.api.idempotency import caller_of
from videoapi.api.openai.responses import stored_dialect

if TYPE_CHECKING:
    from videoapi.api.application import Api
    from videoapi.usecases.caller import Caller
    from videoapi.usecases.submission import Submission, Submissions, Submitted


class Submits:
    """The submits of one handler."""

    def __init__(self, api: "Api", submissions: "Submissions") -> None:
        self.api, self.submissions = api, submissions

    def submit(self, wanted: "Submission") -> "Submitted":
        """Accept a submission; see `Submissions.submit`."""
        return self.submissions.submit(wanted, self._caller(wanted))

    def dry_run(self, wanted: "Submission") -> Response[str] | None:
        """Return what it would order, where the query says `dry_run=true`; else None."""
        if not self.api.query:
            return None
        from videoapi.api import dry_runs  # noqa: PLC0415 — few submits have a query

        return dry_runs.answered(
            self.api.query,
            wanted.request.model,
            lambda: self.submissions.preview(wanted, self._caller(wanted)),
        )

    def _caller(self, wanted: "Submission") -> "Caller":
        api = self.api
        dialect = stored_dialect(api.headers, api.settings, wanted.dialect)
        return caller_of(api.headers, api.key, api.clock(), dialect, api.received_at)
