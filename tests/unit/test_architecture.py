"""The arrows between modules point one way, and every module stays small."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/videoapi/videoapi"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))
DEPLOYED = [*(PACKAGE / f"{module}.py" for module in MODULES), *HANDLERS]
every_module = pytest.mark.parametrize("module", MODULES)
every_handler = pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
everything = pytest.mark.parametrize(
    "path", DEPLOYED, ids=lambda path: str(path.relative_to(ROOT)).replace("/", ".")
)

# Each module may import from those before it, inside functions and for types as well.
LAYERS = {
    "what a task is": "errors settings models tasks transitions endings items measurements",
    "AWS": "aws_errors secret_texts store queue storage keys limits retries",
    "files of strangers": "inflation addresses images thumbnails pinned receiving fetch",
    "words": "loose_json connections prompts optimizer",
    "what a relay says": "redaction complaints failures result_links result_urls "
    "relay_complaints relay_answers relay_bodies relay_outcomes",
    "the relay": "veo3 polling mp4",
    "behind the queue": "lease inputs attempts delivery evidence watching dispatch generation "
    "recovery",
    "what a caller says": "fields json_bodies aliases forms requests uploads rest_bodies "
    "caller submission",
    "what else one may ask for": "image_generation",
    "what a caller is told": "waiting responses content listing cancellation documentation",
    "HTTP": "paths bodies http",
    "the whole": "services",
}
ORDER = " ".join(LAYERS.values()).split()


def tree_of(path):
    return ast.parse(path.read_text(), path)


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
    """Return the modules of the package that a file imports."""
    dotted = (name.split(".") for name in imports_of(path))
    return {parts[1] for parts in dotted if parts[0] == "videoapi" and parts[1] in MODULES}


def lines_of(path):
    return len(path.read_text().splitlines())


def test_every_module_has_its_place_in_the_order():
    assert sorted(ORDER) == MODULES


@every_module
def test_a_module_imports_only_what_stands_before_it(module):
    before = set(ORDER[: ORDER.index(module)])
    assert siblings_of(PACKAGE / f"{module}.py") <= before


@every_module
def test_a_module_has_at_most_300_lines(module):
    assert lines_of(PACKAGE / f"{module}.py") <= 300


@every_handler
def test_a_handler_has_at_most_40_lines(handler):
    assert lines_of(handler) <= 40


@every_handler
def test_a_handler_imports_nothing_but_the_package_powertools_and_types(handler):
    tops = {name.partition(".")[0] for name in imports_of(handler)}
    assert tops <= {"videoapi", "aws_lambda_powertools", "typing"}
    assert "services" in siblings_of(handler)


@everything
def test_what_is_deployed_knows_nothing_of_the_local_stack_and_the_tests(path):
    tops = {name.partition(".")[0] for name in imports_of(path)}
    assert not tops & {"local", "tests", "bench", "functions"}


@everything
def test_only_the_composition_root_reads_the_environment(path):
    names = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
    names |= {name.rpartition(".")[2] for name in imports_of(path)}
    assert path.stem == "services" or not names & {"environ", "environb", "getenv"}


@every_module
def test_aws_clients_are_made_in_the_composition_root_alone(module):
    imported = imports_of(PACKAGE / f"{module}.py")
    assert "boto3" not in {name.partition(".")[0] for name in imported}
    assert module == "services" or "botocore.session.Session" not in imported
