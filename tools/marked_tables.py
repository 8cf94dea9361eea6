"""What a program writes into a page, between two comments: its name, and the make target."""

from collections.abc import Sequence
from pathlib import Path


def shown(page: Path, name: str, target: str) -> list[str]:
    """Return the lines that a page shows."""
    return _around(page, name, target)[1].removeprefix("\n").removesuffix("\n").split("\n")


def put(page: Path, name: str, target: str, lines: Sequence[str]) -> None:
    """Write the lines into a page, if it shows others."""
    before, _, after = _around(page, name, target)
    if shown(page, name, target) != [*lines]:
        page.write_text("\n".join((before, *lines, after)), "utf-8")


def _around(page: Path, name: str, target: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: make {target} -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text("utf-8").partition(begin)
    table, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{page.name}: there is no {begin} … {end}")
    return before + begin, table, end + after
