"""`python -m tools.tokens_page`: write docs/simulator.md from the docstring of `faults`."""

import inspect
import re
from collections.abc import Iterator
from typing import Final

from devstack.settings import ROOT
from simulator import faults

PAGE = ROOT / "docs" / "simulator.md"
BEFORE: Final = r"""# Simulator

The simulator plays every provider of `VIDEO_PROVIDERS` that `make run` has no credentials for: a
relay, with its chat and its images endpoint, and Google, with Veo on Agent Platform, Gemini Omni's
interactions, their token services and the bucket. It speaks their protocols, renders a real MP4 of
your image with the camera motion that was asked for, and takes `UPSTREAM_SECONDS` for it:

```bash
VIDEO_PROVIDERS=relay,vertex,gemini \
VIDEO_ROUTES='veo_3_1=relay:veo_3_1,vertex:veo-3.1-generate-001;omni=gemini:gemini-omni-1.2-flash' \
make run
```

It fails as a prompt tells it to:

```bash
curl http://localhost:8000/v1/videos -F 'prompt=A fox [[submit:503*1]]'
```

It takes webhooks as well, at `/received` of its port: a page shows each event and whether its
signature is verified, `/received.json` the same for programs, and further paths fail, see
[webhooks](webhooks.md).

`make docs` writes this page from [`simulator/faults.py`](../simulator/faults.py);
[operations](operations.md#rehearse-it) has four faults to begin with.

## Tokens of a prompt

"""
AFTER: Final = """
## What it counts

All of this is at the simulator's own port, `UPSTREAM_PORT`, and needs no key:

| route | tells or does |
| --- | --- |
| `GET /_control` | all jobs and counts: `tasks` by key, `providers` (received, accepted, billed, \
dollars), and `labels`: how many jobs each task's label has at each provider |
| `GET /_control/bill?provider=vertex` | what was billed, as CSV: `job_id,time,amount` |
| `POST /_control/settings` | `seconds`, `strict`, `tiny`, `auth_faults` |
| `POST /_control/token` | an access token for Google's wires, without an exchange |
| `POST /_control/reset` | forgets all jobs and counts |

```bash
curl localhost:8001/_control/settings -d '{"auth_faults": "[[sts:503*1]] [[iam:expires=60]]"}'
```

The relay bills each video at `VIDEO_PRICE_USD`, Google by its list prices and Omni by its tokens;
what failed, was filtered or, at Google, was cancelled costs nothing. The signatures of AWS's and of
a service account's requests cannot be verified without their secrets: form, region, headers,
audience and date are.
"""


def page() -> str:
    """Return docs/simulator.md."""
    return BEFORE + "\n".join(_merged(inspect.getdoc(faults) or "")) + "\n" + AFTER


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
