"""SQS `dead letters` → the task ends with a clear error, so that no caller waits without end."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import bootstrap
from videoapi.aws.task_queue import task_id_of

recovery = bootstrap.recovery()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Resolve each dead letter; those that could not be are reported and come back."""
    logger = bootstrap.logger()
    logger.set_correlation_id(context.aws_request_id)
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        task_id = task_id_of(record["body"])
        if task_id is None:
            logger.error("a message that names no task is dropped", message_id=record["messageId"])
            continue
        logger.info("a dead letter", task_id=task_id)
        try:
            recovery.resolve_dead_letter(task_id)
        except Exception:
            logger.exception("a dead letter could not be resolved", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
