"""The points of MiniStack that `devstack.expressions` adjusts."""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
import pytest
from ministack.services import dynamodb

from devstack import expressions

ITEM = {"open": {"S": "3"}, "due_at": {"S": "2026-01-01"}}
VALUES = {":open": {"S": "3"}, ":before": {"S": "2027"}}
NAMES = {"#a": "open", "#b": "due_at"}


@pytest.fixture(autouse=True)
def adjusted(monkeypatch):
    for name in ("_tokenize", "_condition_syntax_error"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    expressions.adjust()


def holds(text, item=ITEM):
    return dynamodb._evaluate_condition(text, item, VALUES, NAMES, "KeyConditionExpression")


def test_an_expression_is_read_once_for_all_items():
    for number in range(100):
        item = ITEM | {"due_at": {"S": f"20{number:02}"}}
        assert holds("#a = :open AND #b < :before", item) is (number < 27)
    for read in (dynamodb._tokenize, dynamodb._condition_syntax_error):
        assert read.cache_info().misses == 1


def test_a_fault_is_told_at_each_reading():
    for _ in range(2):
        with pytest.raises(ValueError, match="KeyConditionExpression"):
            holds("#a = = :open")
