"""What a provider is asked with, and what follows when that is refused or the request is lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from videoapi.errors import ServiceError
from videoapi.net.http_client import FAILURES
from videoapi.providers.errors import PollFailed

# Nothing of the request was sent: DNS, refused, TLS, no free connection.
UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Credential:
    """A key, or an access token. `cached` and `renewed` may raise `ServiceError`.

    A key that was changed at the provider stays cached here for minutes.
    """

    cached: Callable[[], str]
    renewed: Callable[[], str]

    def get(self) -> str:
        """Return it. Raise `PollFailed` if there is none, or one that no header can hold."""
        return _usable(self.cached)

    def other_than(self, refused: str) -> str | None:
        """Return the renewed one; None if there is none, or if it is the one that was refused."""
        try:
            renewed = _usable(self.renewed)
        except PollFailed:
            return None
        return None if renewed == refused else renewed

    @contextmanager
    def opened(
        self, ask: Callable[[str], AbstractContextManager[httpx.Response]]
    ) -> Iterator[tuple[httpx.Response, str]]:
        """Ask, after a 401 once more if there is another one; yield the answer and what asked."""
        key = self.get()
        with ExitStack() as open_answer:
            response = open_answer.enter_context(ask(key))
            refused = response.status_code == HTTPStatus.UNAUTHORIZED
            if refused and (another := self.other_than(key)):
                open_answer.close()
                key = another
                response = open_answer.enter_context(ask(key))
            yield response, key


@contextmanager
def lost_as_poll_failed() -> Iterator[None]:
    """Raise `PollFailed` for a request, or its answer, that was lost on its way."""
    try:
        yield
    except FAILURES as exc:
        reason = f"The upstream could not be asked ({type(exc).__name__})"
        raise PollFailed(reason, unreachable=isinstance(exc, UNSENT)) from exc


def _usable(source: Callable[[], str]) -> str:
    try:
        key = source().strip()
    except PollFailed:
        raise
    except ServiceError as exc:
        raise PollFailed("The upstream's key cannot be read just now") from exc
    if not key or not key.isascii() or not key.isprintable():
        raise PollFailed("The upstream's key is unusable", upstream_status=401)
    return key
