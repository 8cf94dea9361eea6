"""Every minute → messages for what was put but never sent, left by a dead worker, or never told."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import bootstrap

recovery = bootstrap.recovery()
reminders = bootstrap.reminders()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 — a tick
    """Make one round; return how many tasks were queued again. Raises at the end, if at all."""
    bootstrap.logger().set_correlation_id(context.aws_request_id)
    try:
        reminders.sweep()
    finally:
        queued = recovery.sweep()
    return {"queued": queued}
