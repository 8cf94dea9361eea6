"""Every minute → messages for tasks without one or without a worker, and for unsent events."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import bootstrap

recovery = bootstrap.recovery()
reminders = bootstrap.reminders()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 — a tick
    """Make one round; return how many tasks were queued again. Raises at the end, if at all.

    What is paid for comes first, and events in the time that is left.
    """
    bootstrap.logger().set_correlation_id(context.aws_request_id)
    try:
        queued = recovery.sweep()
    finally:
        reminders.sweep(lambda: context.get_remaining_time_in_millis() / 1000)
    return {"queued": queued}
