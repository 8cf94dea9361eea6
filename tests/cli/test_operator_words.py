"""The operators' commands speak the words of the program that was called."""

import ast
import re
from pathlib import Path

import pytest

import videoapi_cli.operator
from videoapi_cli.operator import operations, words

OF_MAKE = re.compile(r"\b(?:STACK|ARGS)=|make (?:tasks?|key|usage|reconcile|redrive)\b")


def texts(path):
    """Return the literals of a file that are told, without docstrings and the help of `make`."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "help")
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden
    ]


TOLD = [
    text
    for path in Path(videoapi_cli.operator.__file__).parent.glob("*.py")
    if path.name != "words.py"
    for text in texts(path)
    if OF_MAKE.search(text)
]


@pytest.mark.parametrize("text", TOLD)
def test_no_word_of_make_is_told_by_videoapi(text, monkeypatch):
    assert words.typed(text) == text
    monkeypatch.setenv(words.PROGRAM, "videoapi")
    assert not OF_MAKE.search(words.typed(text))


def test_an_error_says_what_to_type_next(monkeypatch, capsys):
    monkeypatch.setenv("API_PORT", "1")
    monkeypatch.setenv("AWS_PORT", "2")
    assert operations.main(["tasks"]) == 1
    assert "or say STACK=…" in capsys.readouterr().err
    monkeypatch.setenv(words.PROGRAM, "videoapi")
    assert operations.main(["tasks"]) == 1
    assert "or say --stack NAME" in capsys.readouterr().err
