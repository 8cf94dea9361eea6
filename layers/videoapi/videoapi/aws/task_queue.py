"""The SQS queue of task ids. A message is only a hint that a task wants work."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws.errors import service_error
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Of a message that was received anew, or is deleted. SQS has several names for it, with its older
# protocol's prefix or without; a deleted one is `InvalidParameterValue`.
NOT_OURS = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
LONGEST_DELAY = 900  # seconds: the most that SQS can hold a message back


class TaskQueue:
    """Sends hints and keeps a received one invisible. Raises `ServiceError` when SQS is away."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Take the client that `bootstrap` made."""
        self._client = client
        self._url = url

    def send(self, task_id: str, *, delay: float = 0) -> None:
        """Send a hint that arrives after `delay` seconds (whole ones, at most 900)."""
        seconds = min(LONGEST_DELAY, -int(-delay // 1))
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=json.dumps({"task_id": task_id}),
                DelaySeconds=seconds,
            )
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc

    def hide(self, receipt_handle: str, *, seconds: int) -> None:
        """Keep a received message invisible for `seconds` from now; late by design if it fails.

        A message that is another receiver's by now, or gone, is left alone: the lease decides.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as exc:
            if isinstance(exc, ClientError) and exc.response["Error"]["Code"] in NOT_OURS:
                return
            raise _away(exc) from exc

    def waiting(self) -> int:
        """Return about how many messages wait to be received (SQS's own estimate)."""
        try:
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _away(exc: Exception) -> ServiceError:
    return service_error(exc, "SQS", "The task queue")


def task_id_of(body: str) -> str | None:
    """Return the task id of a message; None for what was never sent here, and names no task."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):  # ValueError: 5,000 digits, too
        return None
    found = message.get("task_id") if isinstance(message, dict) else None
    return found if isinstance(found, str) else None
