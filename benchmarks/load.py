"""Submits and status reads against any OpenAI-style videos API, from the client's side.

`make load` starts the local stack for it; `make load URL=http://… KEY=…` compares another server.
It orders real videos there, and each may be paid for: few unless more are asked for twice.
"""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles

import httpx

from benchmarks.tables import Table
from tests.support.running_stack import running_stack

SUBMIT = {"prompt": "Slow pan over the valley [[time:0]] [[render:tiny]]", "seconds": "4"}
LOCALLY, ELSEWHERE = 200, 5  # videos when nobody says how many
UNASKED = 20  # videos at another server without --yes


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
    body = SUBMIT | ({"model": model} if model else {})

    def submit(_: object) -> tuple[float, str]:
        began = time.perf_counter()
        response = client.post("/videos", json=body).raise_for_status()
        return time.perf_counter() - began, response.json()["id"]

    def read(name: str) -> tuple[float, str]:
        began = time.perf_counter()
        client.get(f"/videos/{name}").raise_for_status()
        return time.perf_counter() - began, name

    submitted, submits = _all("submit", submit, range(count), callers)
    _, reads = _all("status", read, submitted, callers)
    return [submits, reads]


def _all[T](
    kind: str, one: Callable[[T], tuple[float, str]], wanted: Collection[T], callers: int
) -> tuple[list[str], Load]:
    began = time.perf_counter()
    took: list[float] = []
    names: list[str] = []
    with ThreadPoolExecutor(callers) as threads:
        for seconds, name in threads.map(one, wanted):
            took.append(seconds)
            names.append(name)
            print(f"\r{kind}: {len(names)} of {len(wanted)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return names, Load(kind, took, time.perf_counter() - began)


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


def read(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; end with a sentence where it could cost more than was meant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--url", help="base URL with its /v1; without it the local stack is started"
    )
    parser.add_argument("--key", default="not-needed", help="its API key")
    parser.add_argument("--model", help="a model that it knows")
    defaults = f"default {LOCALLY}, at a --url {ELSEWHERE}"
    parser.add_argument("--count", type=int, help=f"videos to order ({defaults})")
    parser.add_argument("--callers", type=int, default=8, help="requests at once (default 8)")
    parser.add_argument(
        "--yes", action="store_true", help=f"order more than {UNASKED} videos at a --url"
    )
    options = parser.parse_args(arguments)
    if options.count is None:
        options.count = ELSEWHERE if options.url else LOCALLY
    if min(options.count, options.callers) < 1:
        parser.error("--count and --callers: say 1 or more")
    if options.url and options.count > UNASKED and not options.yes:
        cost = f"{options.count} videos at {options.url} may each be paid for"
        parser.error(f"{cost}: say --yes as well")
    return options


def run(client: httpx.Client, options: argparse.Namespace) -> int:
    """Order, read and print; return the exit code. What fails is said in one sentence."""
    where = options.url or "the local stack"
    costs = ", where each may be paid for" if options.url else ""
    print(f"Ordering {options.count} videos at {where}{costs} …", file=sys.stderr, flush=True)
    try:
        loads = rush(client, options.count, options.callers, options.model)
    except httpx.HTTPStatusError as exc:
        status, request = exc.response.status_code, exc.request
        refused = " It refused the key: say KEY=…" if status in {401, 403} else ""
        print(f"\n{request.method} {request.url} answered {status}.{refused}", file=sys.stderr)
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        print(f"\n{where} could not be asked: {str(exc) or type(exc).__name__}", file=sys.stderr)
        return 1
    print(table(loads, where, options.callers).markdown())
    return 0


def main(arguments: list[str]) -> int:
    """Run against what the arguments say."""
    options = read(arguments)
    with _server(options.url, options.key) as client:
        return run(client, options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
