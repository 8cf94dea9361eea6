import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.build import failure, sources_digest
from devstack.settings import ROOT


@pytest.fixture
def root(tmp_path):
    (tmp_path / "functions/submit").mkdir(parents=True)
    (tmp_path / "functions/submit/app.py").write_text("a")
    (tmp_path / "layers").mkdir()
    (tmp_path / "template.yaml").write_text("t")
    return tmp_path


def test_nothing_changed_means_nothing_to_build(root):
    assert sources_digest(root) == sources_digest(root)


@pytest.mark.parametrize("name", ["template.yaml", "functions/submit/app.py", "layers/Makefile"])
def test_a_change_of_what_the_build_reads_means_a_build(root, name):
    before = sources_digest(root)
    (root / name).write_text("other")
    assert sources_digest(root) != before


def test_a_file_that_moved_means_a_build(root):
    before = sources_digest(root)
    (root / "functions/submit/app.py").rename(root / "functions/submit/other.py")
    assert sources_digest(root) != before


def test_bytecode_and_other_folders_mean_none(root):
    before = sources_digest(root)
    (root / "functions/submit/__pycache__").mkdir()
    (root / "functions/submit/__pycache__/app.pyc").write_text("b")
    (root / "README.md").write_text("r")
    assert sources_digest(root) == before


@pytest.mark.parametrize("name", ["plain", "with  two spaces", "somebody's", 'a "quoted" #1'])
def test_a_layer_is_built_in_a_folder_of_any_name(tmp_path, name):
    layers, made = tmp_path / name / "layers", tmp_path / name / "made"
    source = tmp_path / "source"
    for folder in (layers, made, source / "videoapi"):
        folder.mkdir(parents=True)
    (source / "videoapi/tasks.py").write_text("a = 1\n")
    shutil.copy(ROOT / "layers/Makefile", layers)
    made_by = ["make", "--makefile", layers / "Makefile", "--silent"]
    environment = {
        "ARTIFACTS_DIR": str(made),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    options = {"cwd": source, "env": environment}
    subprocess.run([*made_by, "build-VideoApiLayer"], **options, check=True)
    assert (made / "python/videoapi/tasks.py").is_file()
    assert list(made.rglob("*.pyc"))
    show = ["--eval", 'show: ; printf %s "$$LAYERS"', "show"]  # where slim.py is
    done = subprocess.run([*made_by, *show], **options, capture_output=True, check=True)
    assert done.stdout.decode() == str(layers)


def test_a_failed_build_is_told_by_its_last_lines():
    text = failure("".join(f"line {n}\n\n" for n in range(100)))
    assert "line 99" in text
    assert "line 50\n" not in text
    assert ".local/build.log" in text
