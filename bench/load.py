"""Submits and status reads against any OpenAI-style videos API, from the client's side.

`make load` starts the local stack for it; `make load URL=http://… KEY=…` compares another server.
It submits real videos there: against a real relay every one is paid for.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles

import httpx

from bench.tables import Table
from local.testing import running_stack

SUBMIT = {"prompt": "Slow pan over the valley [[time:0]] [[render:tiny]]", "seconds": "4"}


@dataclass(frozen=True)
class Load:
    """Requests of one kind: seconds each, and seconds all together."""

    kind: str
    took: list[float]
    seconds: float

    @property
    def row(self) -> list[str]:
        """A second, and in milliseconds the median and what 99 of 100 stay below."""
        cuts = quantiles(self.took, n=100)
        rate = len(self.took) / self.seconds
        return [self.kind, f"{rate:.0f}", f"{cuts[49] * 1000:.0f}", f"{cuts[98] * 1000:.0f}"]


def rush(client: httpx.Client, count: int, callers: int, model: str | None = None) -> list[Load]:
    """Submit `count` videos by some callers at once, then read each one's status."""
    wish = SUBMIT | ({"model": model} if model else {})

    def submit(_: object) -> tuple[float, str]:
        began = time.perf_counter()
        response = client.post("/videos", json=wish).raise_for_status()
        return time.perf_counter() - began, response.json()["id"]

    def read(name: str) -> tuple[float, str]:
        began = time.perf_counter()
        client.get(f"/videos/{name}").raise_for_status()
        return time.perf_counter() - began, name

    submitted, submits = _all("submit", submit, range(count), callers)
    _, reads = _all("status", read, submitted, callers)
    return [submits, reads]


def _all[T](
    kind: str, one: Callable[[T], tuple[float, str]], wanted: Iterable[T], callers: int
) -> tuple[list[str], Load]:
    began = time.perf_counter()
    with ThreadPoolExecutor(callers) as threads:
        took, names = zip(*threads.map(one, wanted), strict=True)
    return list(names), Load(kind, list(took), time.perf_counter() - began)


def table(loads: list[Load], where: str, callers: int) -> Table:
    """Return what came of it."""
    return Table(
        f"Submit and status, {callers} callers at once, {where}",
        ["request", "a second", "median, ms", "99 %, ms"],
        [load.row for load in loads],
    )


@contextmanager
def _server(url: str | None, key: str) -> Iterator[httpx.Client]:
    if url:
        with client_of(url, key) as client:
            yield client
        return
    with running_stack() as stack, client_of(f"{stack.api_url}/v1", key) as client:
        yield client


def client_of(url: str, key: str) -> httpx.Client:
    """Return a client of a server's videos API."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def main() -> None:
    """Run against what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument(
        "--url", help="base URL with its /v1; without it the local stack is started"
    )
    parser.add_argument("--key", default="not-needed", help="its API key")
    parser.add_argument("--model", help="a model that it knows")
    parser.add_argument("--count", type=int, default=200, help="videos to submit (default 200)")
    parser.add_argument("--callers", type=int, default=8, help="requests at once (default 8)")
    said = parser.parse_args()
    with _server(said.url, said.key) as client:
        loads = rush(client, said.count, said.callers, said.model)
    print(table(loads, said.url or "the local stack", said.callers).markdown())


if __name__ == "__main__":
    main()
