import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from videoapi.aws.errors import service_error


def answered(code, status, reasons=()):
    response = {
        "Error": {"Code": code, "Message": "in AWS's words"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": each} for each in reasons],
    }
    return ClientError(response, "PutItem")


CANCELLED = "TransactionCanceledException"
PASSES = {
    "no answer": ReadTimeoutError(endpoint_url="https://aws.example.com"),
    "server error": answered("InternalServerError", 500),
    "unknown server error": answered("OfTomorrow", 599),
    "too many": answered("OfTomorrow", 429),
    "throttled": answered("ProvisionedThroughputExceededException", 400),
    "throttled by S3": answered("SlowDown", 503),
    "throttled transaction": answered(CANCELLED, 400, ["None", "ThrottlingError"]),
    "transactions that met": answered(CANCELLED, 400, ["TransactionConflict"]),
    "a write that met one": answered("TransactionConflictException", 400),
}
STAYS = {
    "not allowed": answered("AccessDeniedException", 400),
    "not allowed by S3": answered("AccessDenied", 403),
    "no table": answered("ResourceNotFoundException", 400),
    "no queue": answered("AWS.SimpleQueueService.NonExistentQueue", 400),
    "a bad parameter": answered("ValidationException", 400),
    "a bad transaction": answered(CANCELLED, 400, ["ValidationError"]),
}


@pytest.mark.parametrize("exc", PASSES.values(), ids=PASSES)
def test_what_passes_may_be_tried_again(exc):
    error = service_error(exc, "DynamoDB", "The task table")
    assert error.retryable
    assert error.message == "The task table does not answer just now. Try again."


@pytest.mark.parametrize("exc", STAYS.values(), ids=STAYS)
def test_what_stays_is_for_the_operator(exc):
    error = service_error(exc, "DynamoDB", "The task table")
    assert not error.retryable
    assert error.status == 503
    assert "Trying again will not help" in error.message
    assert "in AWS's words" not in error.message
    assert error.__notes__ == [f"DynamoDB: {exc}"]
