"""The metric and the alarm of a settled task's cost."""

from typing import Final

from aws_lambda_powertools import Logger

from videoapi.domain.money import dollars
from videoapi.domain.tasks import Task
from videoapi.metrics import Metrics

# The log's words; BillsOverReserveAlarm and the runbook send people to them.
OVER_RESERVE: Final = "a bill above its reserve"


def report_cost(task: Task, metrics: Metrics, log: Logger) -> None:
    """Measure what a task has cost; log an error if that is more than was reserved for it.

    A task without a reserve had no known price.
    """
    actual, reserved = task.cost_actual, task.cost_reserved
    metrics.spent(actual)
    if actual is not None and reserved is not None and actual > reserved:
        metrics.over_reserve()
        log.error(
            OVER_RESERVE,
            provider=task.provider,
            upstream_model=task.upstream_model,
            reserved=dollars(reserved),
            actual=dollars(actual),
        )
