"""What docs/paying-once.md says of kills is true: every step has a point, every point a place."""

import ast
import importlib
from functools import reduce
from pathlib import Path

import pytest

from tests.fault_injection.scenarios import POINTS
from tests.fault_injection.table import END, HEAD, RETRY
from tests.fault_injection.test_webhooks import POINTS as POINTS_OF_WEBHOOKS
from tests.support import docs

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/videoapi/videoapi"
TRAPS = [trap for point in (*POINTS, *POINTS_OF_WEBHOOKS) for trap in point.traps]


def checkpoints_of(path):
    """Return the names of steps that a module logs."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "checkpoint":
            yield node.args[1].value


STEPS = sorted(
    {step for path in (PACKAGE / "worker").glob("*.py") for step in checkpoints_of(path)}
)


def documented_rows():
    """Return the first cell of each row of the table of kills, retries aside."""
    _, _, table = docs.PAYING_ONCE.read_text().partition(HEAD)
    rows = table.partition(END)[0].splitlines()
    names = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    return [name for name in names if not name.startswith((RETRY, "**"))]


def test_the_steps_are_found():
    assert len(STEPS) >= 11
    assert {"claimed", "intended", "accepted", "copying"} <= set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_is_killed_at_every_step(step):
    assert [trap for trap in TRAPS if (trap.place, trap.action) == (step, "kill")]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_every_point_names_what_makes_it_safe(point):
    folder, module, *names = point.safe_by.split(".")
    place = reduce(getattr, names, importlib.import_module(f"videoapi.{folder}.{module}"))
    assert callable(place)
    assert point.because


def test_the_documented_table_has_a_row_for_every_point():
    assert documented_rows() == [point.name for point in POINTS]
