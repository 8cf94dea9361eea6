"""What the code measures, found by letting it: the names that alarms and dashboard may use."""

import inspect
import re

from tests.support.template import ROOT
from videoapi.metrics import WEBHOOKS, Metrics


def emitted():
    """Return (name, dimensions in order) of every metric that `Metrics` can send."""
    sent = []
    metrics = Metrics(
        lambda name, _unit, _value, of: sent.append((name, tuple(sorted([*of, "service"]))))
    )
    for name, method in inspect.getmembers(metrics, inspect.ismethod):
        if not name.startswith("_"):
            method(*[1] * len(inspect.signature(method).parameters))
    for outcome in WEBHOOKS:
        metrics.webhook(outcome)
    return set(sent)


def codes_in_the_code():
    """Return every text in the package that could be an error's code."""
    package = ROOT / "layers/videoapi/videoapi"
    return set(
        re.findall(r'"([a-z_]+)"', "".join(path.read_text() for path in package.rglob("*.py")))
    )
