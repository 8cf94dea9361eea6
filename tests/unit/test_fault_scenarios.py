"""What docs/paying-once.md says of kills is true: every step has a point, every point a place."""

import ast
import importlib
from functools import reduce
from pathlib import Path

import pytest

from tests.fault_injection.scenarios import POINTS
from tests.fault_injection.table import END, HEAD, RETRY
from tests.support import docs

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/videoapi/videoapi"
TRAPS = [trap for point in POINTS for trap in point.traps]


def steps_of(module):
    """Return the names of steps that a module logs."""
    calls = (
        node
        for node in ast.walk(ast.parse((PACKAGE / "worker" / f"{module}.py").read_text()))
        if isinstance(node, ast.Call)
    )
    for call in calls:
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if isinstance(call.func, ast.Attribute) and call.func.attr == "_step":
            yield call.args[0].value
        elif isinstance(step := named.get("step"), ast.Constant):
            yield step.value


STEPS = sorted({step for name in ("generation", "watch", "delivery") for step in steps_of(name)})


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
