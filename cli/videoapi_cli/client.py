"""The API over HTTP: what is sent, what is repeated, and how long is waited.

Everything that is sent may be sent twice: reads, and submits, because each carries an
`Idempotency-Key` under which the API makes one task and no second one. A cancel or a delete is
repeated only where it was not sent.
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from videoapi_cli.errors import ApiError, CliError, Unreachable, UsageError, api_error

LOCAL = "http://localhost:8000"
#: What is asked without a proxy of the environment, which does not know this machine's own ports.
DIRECT = dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]"))
TIMEOUT = httpx.Timeout(60, connect=10)  # seconds; a submit carries up to 6 MB
PATIENCE_SECONDS = 300  # with an API that answered before and does not any more
MAX_PAUSE_SECONDS = 30
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Stopped(Exception):
    """The command ends: nothing more is asked of the API."""


@dataclass(eq=False)
class Clock:
    """Time as the client sees it; a pause ends at once when the command ends."""

    stop: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], float] = time.monotonic

    def pause(self, seconds: float) -> None:
        """Wait. Raise `Stopped`."""
        if self.stop.wait(seconds):
            raise Stopped


class Gate:
    """Lets orders out one by one, and not before a limit of the key allows it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._opens = 0.0

    def __enter__(self) -> None:
        """Wait for one's turn: no more than one order is in memory, however many wait."""
        self._turn.acquire()

    def __exit__(self, *_: object) -> None:
        self._turn.release()

    def close(self, seconds: float) -> None:
        """Let nothing out for so long."""
        self._opens = max(self._opens, self._clock.now() + seconds)

    def open(self) -> None:
        """Try again at once: a task has ended, and may have left its place."""
        self._opens = 0.0

    def wait(self) -> None:
        """Return once it is open. Raise `Stopped`."""
        if self._clock.stop.is_set():
            raise Stopped
        while (left := self._opens - self._clock.now()) > 0:
            self._clock.pause(min(left, 1))


@dataclass(eq=False, kw_only=True)
class Api:
    """One API, called by one key. Raises `ApiError`, `Unreachable` and `Stopped`."""

    url: str
    key: str = ""
    transport: httpx.BaseTransport | None = None
    clock: Clock = field(default_factory=Clock)
    say: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.url = base_url(self.url)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        self._http = httpx.Client(
            base_url=self.url,
            headers={"User-Agent": "videoapi-cli", **headers},
            timeout=TIMEOUT,
            transport=self.transport,
            mounts=DIRECT,
        )
        # without the key
        self.files = httpx.Client(timeout=TIMEOUT, transport=self.transport, mounts=DIRECT)
        self.gate = Gate(self.clock)
        self._answered = False  # yet

    def get(self, path: str, **query: str | int | None) -> httpx.Response:
        """Return a good response."""
        asked = {name: what for name, what in query.items() if what is not None}
        return self.send("GET", path, params=asked)

    def delete(self, path: str) -> dict[str, Any]:
        """Cancel or delete; return what the API says of it."""
        return object_in(self.send("DELETE", path, again=False))

    def send(self, method: str, path: str, *, again: bool = True, **what: Any) -> httpx.Response:
        """Return the good response to a request that is repeated while that may help."""
        return self.patiently(lambda: self._http.request(method, path, **what), again=again)

    def submit(
        self, path: str, body: dict[str, Any], key: str = "", **query: str
    ) -> tuple[dict[str, Any], bool]:
        """Post what counts in the key's limits; return the answer, and whether it is a replay.

        An `Idempotency-Key` is what makes an order repeatable: without one, `body` makes no video.
        """
        headers = {"Idempotency-Key": key} if key else {}

        def post() -> httpx.Response:
            self.gate.wait()
            return self._http.post(path, json=body, headers=headers, params=query)

        response = self.patiently(post, limited=self.gate.close)
        self.gate.close(seconds_to_wait(response.headers.get("ratelimit", "")))
        return object_in(response), response.headers.get("idempotency-replayed") == "true"

    def patiently(
        self,
        ask: Callable[[], httpx.Response],
        *,
        again: bool = True,
        limited: Callable[[float], None] | None = None,
    ) -> httpx.Response:
        """Return the good response to what may be asked several times.

        `limited` hears for how many seconds a limit holds, and `ask` waits for it.
        """
        pauses, until = self._pauses(), self.clock.now() + PATIENCE_SECONDS
        problem: CliError
        while True:
            try:
                return self._good(ask())
            except httpx.InvalidURL as exc:
                raise UsageError(f"{self.url} is no address: {exc}") from exc
            except httpx.RequestError as exc:
                repeat = self._answered and (again or isinstance(exc, NOTHING_SENT))
                problem, pause = self._away(exc), next(pauses)
            except ApiError as exc:
                repeat, problem = exc.repeatable and again, exc
                pause = next(pauses) if exc.retry_after is None else exc.retry_after
                if exc.status == httpx.codes.TOO_MANY_REQUESTS and repeat:
                    self.say(f"{exc.message} Waiting …")
                    until = self.clock.now() + PATIENCE_SECONDS  # a limit is no outage
                    if limited:
                        limited(pause)
                        continue
            if not repeat or self.clock.now() > until:
                raise problem
            self.clock.pause(pause)

    @staticmethod
    def _pauses() -> Iterator[float]:
        """Return the seconds between tries, twice as many each time."""
        return (min(2.0**number, MAX_PAUSE_SECONDS) for number in itertools.count())

    def _good(self, response: httpx.Response) -> httpx.Response:
        """Return a response that is no error; raise `ApiError` for the others."""
        self._answered = True
        if response.is_error:
            raise api_error(response)
        return response

    def _away(self, exc: httpx.RequestError) -> Unreachable:
        why, asked = str(exc) or type(exc).__name__, exc.request.url
        if not str(asked).startswith(self.url):
            return Unreachable(
                f"Nothing answers at {asked.scheme}://{asked.netloc.decode()}: {why}"
            )
        if self.url == LOCAL:
            step = "Start one with `make run`, or say where yours is: VIDEOAPI_URL=https://…"
        else:
            step = "Is VIDEOAPI_URL (or --url) right, and the server up?"
        return Unreachable(f"No API answers at {self.url}: {why}", step)


def base_url(text: str) -> str:
    """Return an API's address without the dialect that SDKs want behind it."""
    text = text.strip().rstrip("/")
    text = re.sub(r"/(api/v1|v1)$", "", text)
    wrong = UsageError(f"{text} is no address of an API.", "Say one like https://api.example.com")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", text):
        raise wrong
    try:
        httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise wrong from exc
    return text


def object_in(response: httpx.Response) -> dict[str, Any]:
    """Return a response's JSON object. Raise as `json_in` does."""
    return json_in(response, dict)


def json_in[Kind](response: httpx.Response, kind: type[Kind]) -> Kind:
    """Return a response's JSON; raise `Unreachable` where something else answers."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, kind):
        where = f"{response.request.url.scheme}://{response.request.url.netloc.decode()}"
        raise Unreachable(f"{where} does not answer as this API does.", "Is VIDEOAPI_URL right?")
    return body


def seconds_to_wait(rate_limit: str) -> float:
    """Return for how long the minute of a `RateLimit` header, such as `"minute";r=0;t=12`, is full.

    An empty day is not waited for: the next submit is told of it.
    """
    full = re.search(r'"minute";r=0;t=(\d+)', rate_limit)
    return float(full[1]) if full else 0.0
