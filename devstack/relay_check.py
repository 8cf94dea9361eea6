"""One look at a real relay before anything is built: whether it answers, and takes the key.

It asks for a job that is not there, which costs nothing. Only what cannot work is refused: relays
answer such a question in many ways.
"""

import socket
import ssl
import threading
from collections.abc import Iterator

import httpx

from devstack import template, video_providers
from devstack.settings import ROOT, Settings

SECONDS = 4.0  # for the connection, and for the answer
_MAX_SECONDS = 2.5 * SECONDS  # in all; a resolver may take its own time
_NO_JOB = "start-check"
_REFUSED = frozenset({401, 403})
_ANYWAY = ".\nCHECK_RELAY=false skips this check; with VEO3_API_KEY= the simulator plays the relay"


def check(settings: Settings) -> str | None:
    """Return a warning or None; raise `RuntimeError` where no video can come of it."""
    used = "relay" in video_providers.in_use(settings.values)
    if settings.simulated or not used or not settings.check_relay:
        return None
    parameters = template.load(ROOT / "template.yaml")["Parameters"]
    origin = settings.values.get("VEO3_BASE_URL") or parameters["Veo3BaseUrl"]["Default"]
    endpoint = settings.values.get("VEO3_ENDPOINT") or parameters["Veo3Endpoint"]["Default"]
    look = _Look(f"{origin}{endpoint}", settings.values["VEO3_API_KEY"].strip())
    look.start()
    look.join(_MAX_SECONDS)
    host = httpx.URL(origin).host
    if look.status in _REFUSED:
        raise RuntimeError(f"{host} refuses the key ({look.status}): look at VEO3_API_KEY{_ANYWAY}")
    if look.failure and look.never_there:
        why = _why(look.failure)
        raise RuntimeError(f"{host} cannot be reached ({why}): look at VEO3_BASE_URL{_ANYWAY}")
    if look.status is None:
        return f"{host} (VEO3_BASE_URL) gave no answer: {look.failure or 'its look-up takes long'}"
    return None


class _Look(threading.Thread):
    """Asks in a thread, which the start waits for no longer than is sensible."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self.status: int | None = None
        self.failure: Exception | None = None

    @property
    def never_there(self) -> bool:
        """Whether there was no connection at all."""
        return isinstance(self.failure, httpx.ConnectError | httpx.ConnectTimeout)

    def run(self) -> None:
        try:
            # As the functions do: no proxy, and a redirect is followed nowhere with the key.
            with httpx.Client(
                timeout=SECONDS, trust_env=False, verify=httpx.create_ssl_context()
            ) as client:
                self.status = self._ask(client)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            self.failure = exc

    def _ask(self, client: httpx.Client) -> int:
        """Return the status; of a 403, which may be the job's, that of the list of jobs."""
        status = 0
        for url in (f"{self._url}/{_NO_JOB}", self._url):
            with client.stream("GET", url, headers=self._headers) as response:
                status = response.status_code
            if status != 403:  # noqa: PLR2004 — HTTP's Forbidden
                break
        return status


def _why(exc: BaseException) -> str:
    for cause in _causes(exc):
        match cause:
            case socket.gaierror():
                return "no such name in the DNS, or no network"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted: {cause.verify_message}"
            case ssl.SSLError():
                return "it does not speak TLS there; is it http://?"
            case ConnectionRefusedError():
                return "nothing listens there"
            case TimeoutError() | httpx.ConnectTimeout():
                return f"no answer within {SECONDS:.0f} s"
    return str(exc) or type(exc).__name__


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
