"""SQS `tasks` → one generation at a time. Reserved concurrency stands for VIDEO_MAX_CONCURRENT."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import bootstrap, bootstrap_worker
from videoapi.aws.task_queue import task_id_of
from videoapi.worker.lease import Message

generation = bootstrap_worker.generation()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work on the event's one message; an exception leaves it to the next worker."""
    logger = bootstrap.logger()
    for record in event["Records"]:
        task_id = task_id_of(record["body"])
        logger.set_correlation_id(context.aws_request_id)
        logger.append_keys(task_id=task_id)
        if task_id is None:
            logger.error("a message that names no task is dropped", message_id=record["messageId"])
            continue
        message = Message(
            task_id=task_id,
            receipt_handle=record["receiptHandle"],
            request_id=context.aws_request_id,
            remaining=lambda: context.get_remaining_time_in_millis() / 1000,
        )
        generation.run(message)
    return {"batchItemFailures": []}
