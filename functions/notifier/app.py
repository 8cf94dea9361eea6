"""SQS `webhooks` → ended tasks are sent to their callers' addresses, several at once."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import bootstrap, bootstrap_webhooks
from videoapi.aws.task_queue import task_id_of

delivery = bootstrap_webhooks.delivery()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make one try for each message; return the ids of those that failed, which come back."""
    logger = bootstrap.logger()
    logger.set_correlation_id(context.aws_request_id)
    tasks: dict[str, str] = {}  # by message
    for record in event["Records"]:
        if task_id := task_id_of(record["body"]):
            tasks[record["messageId"]] = task_id
        else:
            logger.error("a message that names no task is dropped", message_id=record["messageId"])
    outcomes = delivery.deliver_all(list(tasks.values()))
    failed = [message for message, went_well in zip(tasks, outcomes, strict=True) if not went_well]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
