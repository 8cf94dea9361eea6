"""Errors of AWS as `ServiceError`: transient, or lasting until the stack is changed.

AWS marks both by the same exception. Throttling, 5xx and a missing response are transient;
anything else (AccessDenied, a missing table, a bad parameter) is not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from videoapi.errors import ServiceError

SERVER_ERROR, TOO_MANY = 500, 429  # HTTP statuses
# Of a transaction whose first request has lost its answer, and goes on:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
IN_PROGRESS = "TransactionInProgressException"
# Of throttling, and of writes that met others, whatever their HTTP status (most say 400):
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflict",
        "TransactionConflictException",
        IN_PROGRESS,
    }
)


@contextmanager
def aws_errors(service: str, subject: str) -> Iterator[None]:
    """Raise what a call to AWS raises inside the block as a `ServiceError`."""
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise service_error(exc, service, subject) from exc


def error_code(exc: ClientError) -> str:
    """Return AWS's code of an error, like `NoSuchKey`."""
    return exc.response["Error"]["Code"]


def service_error(exc: Exception, service: str, subject: str) -> ServiceError:
    """Return the `ServiceError` for a failed call; its note, for the log, has AWS's own words.

    `retryable` where the cause passes. `subject` is what failed, in words for the caller.
    """
    if passes(exc):
        error = ServiceError(f"{subject} does not answer just now. Try again.")
    else:
        error = ServiceError(
            f"{subject} refuses what this service asks of it. Trying again will not help; "
            "the service's log tells its operator why."
        )
        error.retryable = False
    error.add_note(f"{service}: {exc}")
    return error


def passes(exc: Exception) -> bool:
    """Return whether a failed call may succeed later: no answer, throttled, or a 5xx."""
    if not isinstance(exc, ClientError):
        return True
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(PASSING & codes_of(exc)) or status >= SERVER_ERROR or status == TOO_MANY


def unanswered(exc: BaseException | None) -> bool:
    """Return whether a failed write may have been made, or may still be."""
    if not isinstance(exc, ClientError):
        return not isinstance(exc, EndpointConnectionError | ConnectTimeoutError)
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if error_code(exc) == IN_PROGRESS:
        return True
    return status >= SERVER_ERROR and not PASSING & codes_of(exc)  # throttled: not begun


def codes_of(exc: Exception) -> set[str]:
    """Return an error's code and, of a cancelled transaction, each of its reasons'."""
    if not isinstance(exc, ClientError):
        return set()
    reasons = exc.response.get("CancellationReasons", [])
    return {error_code(exc), *(reason.get("Code", "None") for reason in reasons)}
