"""The keys of other services, in Secrets Manager, each kept for five minutes."""

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import GetParameterError, SecretsProvider

from videoapi.aws.errors import passes
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_SECONDS = 300  # a rotated relay key is picked up within this time
UNREADABLE = "a secret cannot be read"  # the log's words; RelayFailuresAlarm sends people to them


class SecretTexts:
    """Powertools' provider on a client that was made at init, not in the first (throttled) call."""

    def __init__(self, client: "SecretsManagerClient", log: Logger) -> None:
        """Take a client that gives up in time."""
        self._provider = SecretsProvider(boto3_client=client)
        self._log = log

    def read(self, name: str, *, fresh: bool = False) -> str:
        """Return a secret's text, cached for five minutes unless it is asked for anew.

        Raises `ServiceError`. Why is logged here and nowhere else: a task that fails for it only
        says `service_unavailable`.
        """
        try:
            return str(self._provider.get(name, max_age=SECRET_SECONDS, force_fetch=fresh)).strip()
        except GetParameterError as exc:
            cause = exc.__cause__ or exc.__context__ or exc
            code = getattr(cause, "response", {}).get("Error", {}).get("Code")
            self._log.error(UNREADABLE, secret=name, reason=type(cause).__name__, aws_code=code)
            error = ServiceError("A key of this service cannot be read just now.")
            # An outage passes, and no secret that is missing or forbidden.
            error.retryable = isinstance(cause, Exception) and passes(cause)
            raise error from exc
