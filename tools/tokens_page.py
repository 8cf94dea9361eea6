"""`python -m tools.tokens_page`: write docs/simulator.md from the docstring of `faults`."""

import inspect
import re
from collections.abc import Iterator
from typing import Final

from devstack.settings import ROOT
from simulator import faults

PAGE = ROOT / "docs" / "simulator.md"
BEFORE: Final = """\
# Simulator

Without a relay's key `make run` starts a simulator of a relay. It speaks the same protocol, renders
a real MP4 of your image with the camera motion that was asked for, and takes `UPSTREAM_SECONDS` for
it. It also plays the chat and the images endpoint. It fails as a prompt tells it to:

```bash
curl http://localhost:8000/v1/videos -F 'prompt=A fox [[submit:503*1]]'
```

`make docs` writes this page from [`simulator/faults.py`](../simulator/faults.py);
[operations](operations.md#rehearse-it) has four faults to begin with.

## Tokens of a prompt

"""


def page() -> str:
    """Return docs/simulator.md."""
    return BEFORE + "\n".join(_merged(inspect.getdoc(faults) or "")) + "\n"


def _merged(text: str) -> Iterator[str]:
    """Yield the docstring's lines; a row without a first cell goes on with the row before it."""
    row: list[str] = []
    for line in text.splitlines():
        # A `|` within backquotes does not occur in these tables.
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if row and cells and not cells[0]:
            row[1] += " " + cells[1]
            continue
        if row:
            yield f"| {' | '.join(row)} |"
        row = cells
        if re.fullmatch(r"[|-]+", line):
            row = ["---", "---"]
        elif not cells:
            yield line
    if row:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
