"""Secrets that sign webhooks: one for each owner, beside the API keys, as `webhook#<owner>`.

A signature needs the secret itself, so it lies in the table in clear text (which AWS encrypts at
rest), unlike an API key. It is shown when it is made, and not again.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from videoapi.aws.expressions import Expression, encode
from videoapi.aws.table import ConditionFailed, Table, Write
from videoapi.errors import ServiceError

PREFIX = "whsec_"
BYTES = 32
ROTATION_SECONDS = 24 * 3600  # for which a secret that was replaced still signs


@dataclass(frozen=True)
class WebhookSecrets:
    """The secrets in the table. Raises `ServiceError` when DynamoDB does not answer."""

    table: Table
    clock: Callable[[], float]

    def of(self, owner: str) -> list[str]:
        """Return what signs an owner's events: the newest secret, then those of the last 24 hours.

        An owner whose keys are older than webhooks gets one here, which nobody has seen: what it
        signs is refused, and sent again, until the operator shows a new one (`rotate`).
        """
        found = self.table.read(_key(owner))
        made = {"unseen": 1}
        return self._signing(found or self._put(owner, [new_secret()], [], seen=None, **made)[0])

    def unseen(self, owner: str) -> bool:
        """Return whether an owner's secret was made here, and nobody was shown it."""
        return bool((self.table.read(_key(owner)) or {}).get("unseen"))

    def ensure(self, owner: str) -> str | None:
        """Make an owner's secret and return it; None where there is one already."""
        item, written = self._put(owner, [new_secret()], [], seen=None)
        return str(item["secrets"][0]) if written else None

    def rotate(self, owner: str) -> str:
        """Replace an owner's secret, or make the first; return the new one.

        Raises `ServiceError` where another rotation came in between.
        """
        seen = self.table.read(_key(owner))
        older = self._signing(seen) if seen else []
        ends = [int(self.clock()) + ROTATION_SECONDS] * bool(older)
        ends += [until for until in (seen or {}).get("until", []) if until > self.clock()]
        item, written = self._put(owner, [new_secret(), *older], ends, seen=seen)
        if not written:
            raise ServiceError("The secret was replaced by another command just now.")
        return str(item["secrets"][0])

    def _signing(self, item: Mapping[str, Any]) -> list[str]:
        newest, *older = item["secrets"]
        ends = zip(older, item.get("until", []), strict=True)
        return [newest, *(secret for secret, until in ends if until > self.clock())]

    def _put(
        self,
        owner: str,
        texts: list[str],
        ends: list[int],
        *,
        seen: Mapping[str, Any] | None,
        **more: int,
    ) -> tuple[Mapping[str, Any], bool]:
        """Write an owner's item unless it has changed; return it, and whether it is this one."""
        item: dict[str, Any] = {"task_id": _key(owner), "secrets": texts, "until": ends, **more}
        free = Expression()
        place = free.name("secrets")
        condition = (
            f"{place} = {free.value(seen['secrets'])}" if seen else f"attribute_not_exists({place})"
        )
        placeholders = {name: each for name, each in free.placeholders().items() if each}
        body = {"Item": encode(item), "ConditionExpression": condition, **placeholders}
        try:
            self.table.transact(Write("secret", "Put", body))
        except ConditionFailed as failed:
            # Of a put that botocore repeated, because an answer was lost, it is our own.
            return failed.item, failed.item["secrets"] == texts
        return item, True


def new_secret() -> str:
    """Return a secret of 32 random bytes, in the spelling of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def _key(owner: str) -> str:
    return f"webhook#{owner}"
