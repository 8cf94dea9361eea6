"""Tables of the README that a script makes, each between two comments that bear its name."""

from pathlib import Path

MADE_BY = {"speed": "bench"}  # the others by `costs`
README = Path(__file__).parents[1] / "README.md"


def shown(name: str, text: str | None = None) -> list[str]:
    """Return the lines of a table as the README shows them."""
    return _around(name, README.read_text() if text is None else text)[1].strip().splitlines()


def put(name: str, lines: list[str]) -> None:
    """Write a table into the README, if it is another one there."""
    before, _, after = _around(name, README.read_text())
    if shown(name) != lines:
        README.write_text(before + "\n" + "\n".join(lines) + "\n" + after)


def _around(name: str, text: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: make {MADE_BY.get(name, 'costs')} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    table, found, after = rest.partition(end)
    if not found:
        message = f"README.md: there is no {begin} … {end}"
        raise ValueError(message)
    return before + begin, table, end + after
