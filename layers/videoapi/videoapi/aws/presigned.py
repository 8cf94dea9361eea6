"""Presigned URLs and forms that open the bucket without credentials.

botocore's signers alone make them: a presigned URL then costs 2 M instructions instead of the 176 M
that an S3 client costs at cold start, and the API roles need no such client.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from botocore.auth import S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from videoapi.aws.files import SESSION_SECONDS
from videoapi.domain.timestamps import epoch, timestamp

DAY = 24 * 3600  # seconds


class Link(NamedTuple):
    """A URL that works without credentials until `expires_at` (epoch seconds; None = unknown).

    Not longer, but maybe shorter: see `UrlSigner.to`.
    """

    url: str
    expires_at: float | None


class UploadForm(NamedTuple):
    """A POST that puts one file into the bucket: `fields`, then the file itself as `file`."""

    url: str
    fields: dict[str, str]
    expires_at: float


class UrlSigner:
    """Presigned links into the bucket and forms for it (Signature Version 4, every region)."""

    def __init__(
        self,
        credentials: Callable[[], Credentials],
        *,
        bucket: str,
        region: str,
        endpoint: str | None,
        seconds: int,
        file_days: int,
    ) -> None:
        """`endpoint` is the local stack's (path style); None means AWS (host style).

        `seconds` is a link's life, `file_days` that of videos and thumbnails in the bucket.
        """
        self._credentials = credentials
        self._bucket = bucket
        self._region = region
        self._seconds = seconds
        self._file_seconds = file_days * DAY
        self._base = (
            f"{endpoint.rstrip('/')}/{bucket}/"
            if endpoint
            else f"https://{bucket}.s3.{region}.amazonaws.com/"
        )

    @property
    def origin(self) -> str:
        """The origin of every link and form."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self._base))

    def to(self, key: str, *, now: float) -> Link:
        """Presign a GET of this key, as long as set and no longer than the credentials live.

        Lambda does not tell a function when its session ends, and the link ends with it.
        """
        credentials = self._credentials()
        seconds = min(self._seconds, _lifetime(credentials, now))
        request = AWSRequest(method="GET", url=self._base + quote(key))
        S3SigV4QueryAuth(credentials, "s3", self._region, expires=seconds).add_auth(request)
        return Link(str(request.url), now + seconds)

    def kept(self, key: str, since: str, *, now: float) -> Link | None:
        """Presign a GET of a file of that instant; None once the bucket may have removed it."""
        end = self.kept_until(since)
        if end <= now:
            return None
        link = self.to(key, now=now)
        return Link(link.url, min(link.expires_at or end, end))

    def kept_until(self, since: str) -> float:
        """Return until when a file of that instant is there; S3 removes it at the next midnight."""
        return epoch(since) + self._file_seconds

    def form(
        self, key: str, content_type: str, *, sizes: tuple[int, int], seconds: int, now: float
    ) -> UploadForm:
        """Presign a POST of this key. S3 refuses other types, and sizes (bytes) out of bounds.

        Until it expires, a second POST overwrites the first.
        """
        credentials = self._credentials()
        expires_at = now + min(seconds, _lifetime(credentials, now))
        fields = {"key": key, "Content-Type": content_type}
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions += [{"bucket": self._bucket}, ["content-length-range", *sizes]]
        request = AWSRequest(method="POST", url=self._base)
        request.context["s3-presign-post-fields"] = fields
        request.context["s3-presign-post-policy"] = {
            "expiration": timestamp(expires_at),
            "conditions": conditions,
        }
        S3SigV4PostAuth(credentials, "s3", self._region).add_auth(request)
        return UploadForm(self._base, fields, expires_at)

    def key_of(self, url: str) -> str | None:
        """Return the key that a URL of ours names, presigned or not; None for any other URL."""
        if not url.startswith(self._base):
            return None
        return unquote(urlsplit(url).path.removeprefix(urlsplit(self._base).path))


def _lifetime(credentials: Credentials, now: float) -> int:
    # Credentials that refresh know their end; a presigned URL dies with the session that signed.
    # Freezing refreshes those of a SnapStart snapshot, or the end read here would be long past.
    credentials.get_frozen_credentials()
    expiry = getattr(credentials, "_expiry_time", None)
    return int(expiry.timestamp() - now) if expiry else SESSION_SECONDS
