"""What is wrong in `.env` is told by its line, and never a key with it."""

import pytest

from devstack import env_file


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / ".env").write_bytes(text.encode() if isinstance(text, str) else text)
        return env_file.read(tmp_path / ".env")

    return read


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    assert env_file.read(tmp_path / ".env") == env_file.EnvFile()


def test_a_folder_of_that_name_says_nothing(tmp_path):
    """A virtual environment is often called `.env`."""
    (tmp_path / ".env").mkdir()
    assert env_file.read(tmp_path / ".env") == env_file.EnvFile()


def test_values_and_lines_are_found_in_every_usual_form(read):
    text = "# settings\n\nA=1\nexport B = 'b # c'\n\n\nC=\"d\" # told\r\nD=a$b${HOME}\n#E=2\nF=\n"
    file = read(text)
    assert file.values == {"A": "1", "B": "b # c", "C": "d", "D": "a$b${HOME}", "F": ""}
    assert file.lines == {"A": 3, "B": 4, "C": 7, "D": 8, "F": 10}
    assert file.problems == ()


def test_byte_order_mark_is_no_part_of_a_name(read):
    """The mark that Windows editors put first is no part of a name."""
    assert read(b"\xef\xbb\xbfA=1\n").values == {"A": "1"}


@pytest.mark.parametrize("line", ["hello world", "VEO3_API_KEY: sk-secret", "ALONE", "A='open"])
def test_a_line_that_says_nothing_is_told_by_its_number(read, line):
    file = read(f"\n# first\n\n{line}\n")
    assert len(file.problems) == 1
    assert ".env, line 4: not NAME=value" in file.problems[0]
    assert "secret" not in file.problems[0]


def test_a_key_alone_on_a_line_is_not_shown(read):
    assert "secret" not in read("sk-12345678secret\n").problems[0]


def test_a_setting_with_two_values_is_told_with_both_lines(read):
    assert "line 3: A has another value in line 1" in read("A=1\nB=1\nA=\n").problems[0]


def test_empty_value_may_be_followed_by_a_real_one(read):
    file = read("A=\nA=2\nA=2\n")
    assert (file.values, file.problems) == ({"A": "2"}, ())


def test_a_file_in_another_encoding_is_told_so(read):
    assert "UTF-8" in read("A=ä\n".encode("utf-16")).problems[0]
