"""CloudWatch metrics for the person on call, each a log line (EMF).

A name is one custom metric for CloudWatch, and so is each code of `TasksEnded`: thirteen other
names, some fifteen codes if everything goes wrong. It bills $0.30 a month for each, by the hour in
which it was sent. So the only dimensions are the stack (Powertools' `service`) and the code, which
is always one of this package's own words; a task, an owner or anything that a caller wrote is never
among them. Powertools' metrics are imported with its Logger, so no role pays more for them.
"""

from collections.abc import Callable

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "VideoApi"
CODE = "code"

# With name, unit, value and dimensions.
type Emit = Callable[[str, MetricUnit, float, dict[str, str]], None]


WEBHOOKS = {
    "delivered": "WebhooksDelivered",  # the receiver took it
    "failed": "WebhooksFailed",  # it was sent for the last time, in vain
    "disabled": "WebhooksDisabled",  # the receiver wants to hear no more of the task
    "put off": "WebhooksPutOff",  # it could not be sent, for a fault or an outage of ours
}


def emit(name: str, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
    """Write one metric to standard output, whence Lambda takes it to CloudWatch."""
    with single_metric(name, unit, value, namespace=NAMESPACE, default_dimensions=dimensions):
        pass  # written when the block ends


class Metrics:
    """The moments that are measured, in the order of a task's life."""

    def __init__(self, emit: Emit = emit) -> None:
        """`emit` sends one value away; tests keep it."""
        self._emit = emit

    def accepted(self) -> None:
        """A submit made a task; one that found an earlier task is none."""
        self._count("TasksAccepted")

    def claimed(self, waited: float) -> None:
        """A worker took a task for the first time, `waited` seconds after its submit."""
        self._emit("QueueSeconds", MetricUnit.Seconds, max(waited, 0.0), {})

    def paid(self) -> None:
        """A provider took an order: this is what costs money."""
        self._count("JobsPaid")

    def refused(self) -> None:
        """An attempt came to nothing and another follows."""
        self._count("AttemptsRepeated")

    def route_refused(self) -> None:
        """A provider refused our credentials, or the model; its route rests."""
        self._count("RoutesRefused")

    def completed(self, seconds: float) -> None:
        """A task ended with a video, `seconds` after its first claim."""
        self._emit("GenerationSeconds", MetricUnit.Seconds, seconds, {})
        self.ended("completed")

    def ended(self, code: str) -> None:
        """A task ended; `code` is its error's, or `completed`, or `cancelled`."""
        self._emit("TasksEnded", MetricUnit.Count, 1, {CODE: code})

    def spent(self, amount: int | None) -> None:
        """A task's cost was settled, in micro-dollars; 0 and not known are no spend."""
        if amount:
            self._emit("SpendUsd", MetricUnit.NoUnit, amount / 1_000_000, {})

    def webhook(self, outcome: str | None) -> None:
        """A try of an event came to an end; nothing is counted where another try follows."""
        if outcome in WEBHOOKS:
            self._count(WEBHOOKS[outcome])

    def over_reserve(self) -> None:
        """A task cost more than was reserved for it: a price is wrong."""
        self._count("BillsOverReserve")

    def queued_again(self, tasks: int) -> None:
        """The sweeper found tasks that nobody worked on."""
        self._count("TasksQueuedAgain", tasks)

    def _count(self, name: str, number: int = 1) -> None:
        self._emit(name, MetricUnit.Count, number, {})
