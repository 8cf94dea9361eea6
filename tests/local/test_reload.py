import io
import os
import zipfile

import pytest

from local.reload import Reloader, parts

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


def write(root, name):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


@pytest.fixture
def functions():
    return Lambda()


@pytest.fixture
def reloader(root, functions):
    return Reloader(root, SOURCE, PHYSICAL, functions)


def test_folders_with_requirements_need_a_build_and_are_not_reloaded(root):
    assert [part.logical_id for part in parts(SOURCE, root)] == ["StatusFunction", "OurLayer"]


def test_nothing_is_brought_over_when_nothing_changed(reloader, functions):
    reloader.look()
    assert functions.code == {}


def test_a_changed_function_gets_its_new_code(reloader, root, functions):
    write(root, "functions/status/app.py")
    reloader.look()
    assert functions.code == {"video-api-status": ["app.py"]}


def test_a_changed_layer_is_published_without_stale_bytecode_and_attached_in_place(
    reloader, root, functions
):
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
def test_what_cannot_be_reloaded_says_so(reloader, root, capsys, name):
    write(root, name)
    reloader.look()
    assert "start again" in capsys.readouterr().out
