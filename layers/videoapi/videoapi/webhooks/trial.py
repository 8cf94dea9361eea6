"""A test event, sent while its caller waits, to see whether an address takes what we send."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from videoapi.errors import ValidationError
from videoapi.net.callbacks import Callbacks
from videoapi.net.ssrf import require_webhook
from videoapi.webhooks import events, signing

UNSEEN = "it is signed by a secret that nobody has seen; the operator shows another: \
make key NAME={} ARGS=--rotate-webhook-secret"


@dataclass(frozen=True)
class Trial:
    """Sends `video.test`; `signing_secrets` are an owner's, `unseen` whether nobody knows them."""

    callbacks: Callbacks
    signing_secrets: Callable[[str], Iterable[str]]
    unseen: Callable[[str], bool]

    def check(self, url: str) -> None:
        """Raise `ValidationError` for an address that nothing is sent to."""
        try:
            require_webhook(url, allow_private=self.callbacks.allow_private)
        except ValueError as problem:
            raise ValidationError.field("url", f"The URL {problem}") from None

    def send(self, url: str, owner: str, *, now: float) -> dict[str, Any]:
        """Send the event once; return what came of it, in 10 seconds at most."""
        event_id, body = events.test_event(now)
        content = body.encode()
        headers = signing.headers(event_id, int(now), content, self.signing_secrets(owner))
        response = self.callbacks.post(url, content, headers)
        problems = [response.problem, UNSEEN.format(owner) if self.unseen(owner) else None]
        return {
            "delivered": response.delivered,
            "status": response.status,
            "milliseconds": response.milliseconds,
            "problem": "; ".join(filter(None, problems)) or None,
        }
