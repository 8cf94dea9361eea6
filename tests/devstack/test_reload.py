import io
import os
import zipfile

import pytest

from devstack.reload import Reloader, parts

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:ours"
OTHER = "arn:aws:lambda:us-east-1:000000000000:layer:dependencies:1"
SOURCE = {
    "Resources": {
        "StatusFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "functions/status"},
        },
        "OurLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "layers/ours"},
        },
        "DependenciesLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "layers/dependencies"},
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
    }
}
PHYSICAL = {"StatusFunction": "video-api-status", "OurLayer0123456789": f"{LAYER}:1"}


class Lambda:
    """What the reloader asks of Lambda."""

    def __init__(self):
        self.code = {}
        self.layers = {"video-api-status": [OTHER, f"{LAYER}:1"], "video-api-bare": []}

    def update_function_code(self, *, FunctionName, ZipFile):  # noqa: N803 — boto3's names
        self.code[FunctionName] = names(ZipFile)

    def publish_layer_version(self, *, LayerName, Content):  # noqa: N803
        assert LayerName == "ours"
        self.code[LayerName] = names(Content["ZipFile"])
        return {"LayerVersionArn": f"{LAYER}:2"}

    def list_functions(self):
        return {
            "Functions": [
                {"FunctionName": name, "Layers": [{"Arn": arn} for arn in arns]}
                for name, arns in self.layers.items()
            ]
        }

    def update_function_configuration(self, *, FunctionName, Layers):  # noqa: N803
        self.layers[FunctionName] = Layers


def names(archive):
    return sorted(zipfile.ZipFile(io.BytesIO(archive)).namelist())


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "functions/status/app.py")
    write(tmp_path, "layers/ours/ours/store.py")
    write(tmp_path, "layers/ours/ours/__pycache__/store.pyc")
    write(tmp_path, "layers/dependencies/requirements.txt")
    write(tmp_path, "template.yaml")
    return tmp_path


def write(root, name, text=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    later = max(before, path.stat().st_mtime_ns) + 1_000_000
    os.utime(path, ns=(later, later))


@pytest.fixture
def functions():
    return Lambda()


@pytest.fixture
def messages():
    return []


@pytest.fixture
def reloader(root, functions, messages):
    return Reloader(root, SOURCE, PHYSICAL, functions, messages.append)


def test_folders_with_requirements_are_not_reloaded(root):
    assert [part.logical_id for part in parts(SOURCE, root)] == ["StatusFunction", "OurLayer"]


def test_nothing_is_brought_over_when_nothing_changed(reloader, functions):
    reloader.look()
    assert functions.code == {}


def test_a_changed_function_gets_its_new_code(reloader, root, functions):
    write(root, "functions/status/app.py")
    reloader.look()
    assert functions.code == {"video-api-status": ["app.py"]}


def test_changed_layer_is_published_without_stale_bytecode(reloader, root, functions):
    write(root, "layers/ours/ours/new.py")
    reloader.look()
    assert functions.code == {"ours": ["python/ours/new.py", "python/ours/store.py"]}
    assert functions.layers == {"video-api-status": [OTHER, f"{LAYER}:2"], "video-api-bare": []}


def test_a_change_is_brought_over_once(reloader, root, functions):
    write(root, "functions/status/app.py")
    reloader.look()
    functions.code.clear()
    reloader.look()
    assert functions.code == {}


@pytest.mark.parametrize("name", ["template.yaml", "layers/dependencies/requirements.txt", ".env"])
def test_what_cannot_be_reloaded_says_so(reloader, root, messages, name):
    write(root, name)
    reloader.look()
    assert messages == [f"{name.rpartition('/')[2]} changed: start again to apply it"]


@pytest.mark.parametrize("name", ["page.html", "page.css"])
def test_sources_of_the_documentation_name_their_command(reloader, root, messages, name):
    """What the documentation is made of says how it is made again."""
    write(root, f"tools/openapi/{name}")
    reloader.look()
    assert messages == [f"{name} changed: say `make openapi` to apply it"]


@pytest.mark.parametrize("name", ["functions/status/app.py", "layers/ours/ours/store.py"])
@pytest.mark.parametrize(
    ("code", "line", "error"),
    [
        ("x = 1\ndef f(:\n    pass\n", 2, "SyntaxError"),
        ("def f():\nreturn 1\n", 2, "IndentationError"),
        ("x = 'unended", 1, "SyntaxError"),
    ],
)
def test_code_that_does_not_compile_is_not_reloaded(
    reloader, root, functions, messages, name, code, line, error
):
    write(root, name, code)
    reloader.look()
    assert functions.code == {}
    (message,) = messages
    assert f'File "{name}", line {line}' in message
    assert error in message
    assert "reloaded functions" not in message.splitlines()


def test_code_that_was_mended_is_reloaded(reloader, root, messages):
    write(root, "functions/status/app.py", "def f(:")
    reloader.look()
    write(root, "functions/status/app.py", "def f(): pass")
    reloader.look()
    assert messages[-1] == "reloaded functions/status"
