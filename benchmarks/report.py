"""Tables of the documents that a script makes, each between two comments that bear its name."""

from pathlib import Path

from tests.support import docs

MADE_BY = {"speed": "bench"}  # the others by `costs`
PAGES = {"speed": docs.PERFORMANCE}  # the others are in COSTS


def shown(name: str, text: str | None = None) -> list[str]:
    """Return the lines of a table as its page shows them, or as `text` does."""
    return _around(name, _page(name).read_text() if text is None else text)[1].strip().splitlines()


def put(name: str, lines: list[str]) -> None:
    """Write a table into its page, if it is another one there."""
    page = _page(name)
    before, _, after = _around(name, page.read_text())
    if shown(name) != lines:
        page.write_text(before + "\n" + "\n".join(lines) + "\n" + after)


def _page(name: str) -> Path:
    page: Path = PAGES.get(name, docs.COSTS)
    return page


def _around(name: str, text: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: make {MADE_BY.get(name, 'costs')} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    table, found, after = rest.partition(end)
    if not found:
        message = f"{_page(name).name}: there is no {begin} … {end}"
        raise ValueError(message)
    return before + begin, table, end + after
