"""The arrows between packages point one way, and everything stays small enough to read."""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter

import pytest

from tests.support.own_files import ROOT, is_clone, own_files, tracked

PACKAGE = ROOT / "layers/videoapi/videoapi"
MODULES = sorted(PACKAGE.rglob("*.py"))
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))
DEPLOYED = [*MODULES, *HANDLERS]
# Every folder with Python of the project outside its tests.
ROOTS = ("benchmarks", "cli", "devstack", "examples", "functions", "layers", "simulator", "tools")
TESTS = own_files("tests/**/test_*.py")
PYTHON = own_files(*(f"{root}/**/*.py" for root in ROOTS))
# What a package may import from its siblings, inside functions and for types as well.
# `errors` and `settings` are open to all; the composition roots may import everything.
ARROWS = {
    "domain": "",
    "catalog": "domain",
    "settings": "catalog",
    "media": "",
    "net": "",
    "redaction": "",
    "metrics": "",
    "aws": "domain",
    "accounts": "aws domain catalog",
    "providers": "net redaction",
    "usecases": "accounts aws domain catalog media net metrics",
    "worker": "providers accounts aws domain catalog media net metrics redaction",
    "webhooks": "accounts aws domain net metrics",
    "api": "usecases accounts aws media domain catalog",
}
COMPOSITION = {"bootstrap", "bootstrap_webhooks", "bootstrap_worker"}
OPEN_TO_ALL = {"errors", "settings", "__version__"}
# Heavy libraries, and the only packages that load them.
ONLY_IN = {
    "httpx": {"net", "providers", *COMPOSITION},
    "pydantic": {"api"},
    "PIL": {"media"},
    "boto3": {"aws", *COMPOSITION},
}


@cache
def tree_of(path):
    return ast.parse(path.read_text(), path)


def name_of(path):
    return str(path.relative_to(ROOT))


def module_of(path):
    """Return the dotted name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    outside = {"layers": 2, "cli": 1}  # folders on the path of Python
    return ".".join(parts[outside.get(parts[0], 0) :]).removesuffix(".__init__")


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """Return the dotted names of everything that a file imports, wherever it does."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def siblings_of(path):
    """Return the packages of videoapi that a file imports from."""
    dotted = (name.split(".") for name in imports_of(path))
    return {parts[1] for parts in dotted if parts[0] == "videoapi"}


def tops_of(path):
    return {name.partition(".")[0] for name in imports_of(path)}


def lines_of(path):
    return len(path.read_text().splitlines())


def large_classes(path):
    """Return the names of the classes of more than 150 lines."""
    classes = (node for node in ast.walk(tree_of(path)) if type(node) is ast.ClassDef)
    return {node.name for node in classes if node.end_lineno - node.lineno >= 150}


every_handler = pytest.mark.parametrize("path", HANDLERS, ids=name_of)


def those(paths, rule):
    """Return the names of the modules that a rule finds something in, with what it finds."""
    return {name_of(path): found for path in paths if (found := rule(path))}


def test_arrows_name_every_package():
    rooms = (
        {room_of(path) for path in MODULES}
        - {"__init__", *COMPOSITION}
        - (OPEN_TO_ALL - set(ARROWS))
    )
    assert set(ARROWS) == rooms


def test_arrows_form_no_circle():
    order = TopologicalSorter({room: may.split() for room, may in ARROWS.items()})
    assert set(order.static_order()) == set(ARROWS)


def test_page_has_the_same_arrows():
    text = (
        (ROOT / "docs" / "architecture.md").read_text().partition("| folder | holds | imports |")[2]
    )
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    page = {row[1].strip(" `"): set(re.findall(r"`(\w+)`", row[3])) for row in rows}
    modules = {"settings", "redaction", "metrics"}  # in the sentence above the table
    arrows = {room: set(may.split()) for room, may in ARROWS.items() if room not in modules}
    assert {room: may for room, may in page.items() if room != "bootstrap"} == arrows


def against_the_arrows(path):
    room = room_of(path)
    may = {room, *ARROWS.get(room, "").split(), *OPEN_TO_ALL}
    return set() if room in COMPOSITION else siblings_of(path) - may


def test_modules_import_along_the_arrows():
    assert those(MODULES, against_the_arrows) == {}


def test_modules_form_no_circle():
    """Not in the development code either, types and imports inside functions included."""
    known = {module_of(path): path for path in PYTHON}

    def imported(path):
        names = {f"{name}." for name in imports_of(path)}
        return {each for each in known if any(name.startswith(f"{each}.") for name in names)}

    graph = {each: imported(path) - {each, "videoapi"} for each, path in known.items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(graph) - {"videoapi"}


def heavy_libraries(path):
    return {each for each in tops_of(path) & set(ONLY_IN) if room_of(path) not in ONLY_IN[each]}


def test_heavy_libraries_stay_in_their_packages():
    assert those(MODULES, heavy_libraries) == {}


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of
)
def test_package_reexports_nothing(path):
    body = tree_of(path).body
    kept = [node for node in body[1:] if path.parent != PACKAGE or not isinstance(node, ast.Assign)]
    assert ast.get_docstring(tree_of(path))
    assert kept == []


@pytest.mark.skipif(not is_clone(ROOT), reason="this is no clone, but a copy of one")
def test_roots_name_every_folder_with_python():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked(ROOT) if path.suffix == ".py"}
    assert folders - {"tests"} == set(ROOTS)


def test_modules_have_at_most_300_lines():
    assert those(PYTHON, lambda path: max(lines_of(path) - 300, 0)) == {}


def test_classes_have_at_most_150_lines():
    assert those(PYTHON, large_classes) == {}


@every_handler
def test_handler_has_at_most_40_lines(path):
    assert lines_of(path) <= 40


@every_handler
def test_handler_imports_package_powertools_and_types_alone(path):
    assert tops_of(path) <= {"videoapi", "aws_lambda_powertools", "typing"}
    assert "bootstrap" in siblings_of(path)


def test_deployed_code_knows_no_development_code():
    development = {*ROOTS, "tests", "videoapi_cli"} - {"layers"}
    assert those(DEPLOYED, lambda path: tops_of(path) & development) == {}


def readers_of_the_environment(path):
    tree = tree_of(path)
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {name.rpartition(".")[2] for name in imports_of(path)}
    return names & {"environ", "environb", "getenv"}


def test_only_bootstrap_reads_the_environment():
    assert those(DEPLOYED, readers_of_the_environment).keys() == {name_of(PACKAGE / "bootstrap.py")}


def long_names(path):
    names = {node.name for node in ast.walk(tree_of(path)) if hasattr(node, "name")}
    return {name for name in names if str(name).startswith("test_") and len(name) > 60}


def test_test_names_have_at_most_60_characters():
    """A rule that needs more words is the test's docstring."""
    assert those(TESTS, long_names) == {}
