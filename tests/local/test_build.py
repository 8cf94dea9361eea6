import pytest

from local.build import sources_digest


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
