"""Who submits, when, and what their client says of this being a retry."""

from typing import NamedTuple

from videoapi.accounts.api_keys import ApiKey
from videoapi.domain.tasks import Dialect


class Caller(NamedTuple):
    """Who submits, when, and what their client says of this being a retry."""

    key: ApiKey
    now: float
    dialect: Dialect = Dialect.REST
    idempotency_key: str | None = None
    retry_count: int | None = None  # of an official SDK (`X-Stainless-Retry-Count`), else None
    received_at: float | None = None  # by the gateway, before a cold start of ours

    @property
    def owner(self) -> str:
        """The name of the key: whose task it is."""
        return self.key.name
