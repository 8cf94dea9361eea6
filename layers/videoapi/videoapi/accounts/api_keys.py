"""API keys: who is calling. A key is shown once, when it is made; the table holds its hash.

A key is 160 random bits, so one SHA-256 is as good as any slow hash, and looking it up by its hash
compares nothing that a timing could tell. Items live beside the tasks, as `key#<hash>`, and are
listed in the index `by_owner` under an owner that no key can have.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from videoapi.aws.expressions import encode
from videoapi.aws.table import Table, Write
from videoapi.domain.timestamps import timestamp
from videoapi.errors import AuthenticationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX = "vak_"
SPELLING = re.compile(r"vak_[a-z2-7]{32}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ANONYMOUS = "anonymous"  # the one owner in open mode
KEYS_OWNER = "#keys"
CACHE_SECONDS = 60  # a revoked key works no longer than this
ID_LENGTH = 8  # hexadecimal digits of the hash: enough to tell keys apart, and no way to one
CACHE_SIZE = 1_000  # keys, known and unknown ones, that one function remembers


class Limits(NamedTuple):
    """What one key may do; None is no limit. `usd_per_day` is in micro-dollars."""

    submits_per_minute: int | None = None
    tasks_alive: int | None = None
    videos_per_day: int | None = None
    usd_per_day: int | None = None


class ApiKey(NamedTuple):
    """A caller: the name is the owner of all tasks that are made with the key."""

    name: str
    limits: Limits
    webhook_url: str | None = None  # where tasks are told that name no webhook of their own


class ListedKey(NamedTuple):
    """What can be told of a key; `id` tells several keys of one name apart."""

    id: str
    name: str
    made_at: str
    limits: Limits
    webhook_url: str | None = None


class ApiKeyStore:
    """The keys in the table. Raises `ServiceError` when DynamoDB does not answer."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._table = Table(client, table, "The key table")
        self._clock = clock
        self._known: dict[str, tuple[float, ApiKey | None]] = {}

    def find(self, presented: str) -> ApiKey:
        """Return who presents a key. Raises `AuthenticationError`."""
        if not SPELLING.fullmatch(presented):
            raise _unknown()
        key, now = _item_key(presented), self._clock()
        until, found = self._known.get(key, (0.0, None))
        if until <= now:
            found = self._read(key)
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[key] = (now + CACHE_SECONDS, found)
        if found is None:
            raise _unknown()
        return found

    def make(self, name: str, limits: Limits, webhook_url: str | None = None) -> str:
        """Make a key for an owner and return it, the only time it can be seen.

        One owner may have several keys. Raises `ValueError` for a name that cannot be an owner, and
        for a limit under 1: revoke the key of whom nothing is allowed.
        """
        if not NAME.fullmatch(name) or name == ANONYMOUS:
            message = (
                f"NAME={name}: say 1 to 63 lower-case letters, digits and hyphens, "
                f"no hyphen first; {ANONYMOUS} is who comes without a key"
            )
            raise ValueError(message)
        chosen = {k: v for k, v in limits._asdict().items() if v is not None}
        if any(v < 1 for v in chosen.values()):
            raise ValueError("A limit is a whole number from 1 on.")
        key = PREFIX + base64.b32encode(secrets.token_bytes(20)).decode().lower()
        item = {
            "task_id": _item_key(key),
            "owner": KEYS_OWNER,
            "listed_at": f"{name}#{timestamp(self._clock())}",
            "key_name": name,
            "webhook_url": webhook_url,
            **chosen,
        }
        self._table.transact(Write("key", "Put", {"Item": encode(item)}))
        return key

    def listed(self) -> list[ListedKey]:
        """Return every key, by name and then by age."""
        return [
            ListedKey(
                id=_id(item),
                name=item["key_name"],
                made_at=item["listed_at"].partition("#")[2],
                limits=_limits(item),
                webhook_url=item.get("webhook_url"),
            )
            for item in self._all()
        ]

    def limits_of(self, name: str) -> Limits:
        """Return the limits of an owner's latest key; none where there is no key."""
        latest = self._latest(name)
        return latest.limits if latest else Limits()

    def webhook_of(self, name: str) -> str | None:
        """Return the webhook of an owner's latest key."""
        latest = self._latest(name)
        return latest.webhook_url if latest else None

    def _latest(self, name: str) -> ListedKey | None:
        found_keys = [found for found in self.listed() if found.name == name]
        return found_keys[-1] if found_keys else None

    def revoke(self, name: str, key_id: str = "") -> int:
        """Remove every key of an owner, or the one of that id; return how many. Tasks stay."""
        gone = [
            item["task_id"]
            for item in self._all()
            if item["key_name"] == name and key_id in {"", _id(item)}
        ]
        for key in gone:
            self._table.delete(key)
        return len(gone)

    def _all(self) -> list[dict[str, Any]]:
        pages = self._table.query("by_owner", ("owner", "=", KEYS_OWNER))
        return [item for items, _ in pages for item in items]

    def _read(self, key: str) -> ApiKey | None:
        item = self._table.read(key)
        if item is None:
            return None
        return ApiKey(item["key_name"], _limits(item), item.get("webhook_url"))


def _item_key(key: str) -> str:
    return f"key#{hashlib.sha256(key.encode()).hexdigest()}"


def _id(item: dict[str, Any]) -> str:
    return str(item["task_id"]).partition("#")[2][:ID_LENGTH]


def _limits(item: dict[str, Any]) -> Limits:
    return Limits(**{name: item[name] for name in Limits._fields if name in item})


def _unknown() -> AuthenticationError:
    return AuthenticationError("Send a valid API key as `Authorization: Bearer …` or `X-API-Key`.")
