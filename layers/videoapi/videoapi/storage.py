"""Files in the S3 bucket, and links and forms that open it without credentials.

`Links` presigns with botocore's signers alone: a presigned URL then costs 2 M instructions instead
of the 176 M that an S3 client costs at cold start, and the API roles never need that client.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from botocore.auth import S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws_errors import service_error
from videoapi.errors import ServiceError
from videoapi.tasks import epoch, timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INPUTS, VIDEOS, THUMBNAILS, IMAGES = "inputs", "videos", "thumbnails", "images"
DAY = 24 * 3600  # seconds
SESSION_SECONDS = 12 * 3600  # the longest that IAM lets a role's session be
READABLE_AS_INPUT = (INPUTS, IMAGES)


def input_key(owner: str, task_id: str, sha256: str, extension: str) -> str:
    """Return where a task's input image lies. The hash keeps a conflicting replay from it."""
    return f"{INPUTS}/{owner}/{task_id}/{sha256[:16]}.{extension}"


def upload_key(owner: str, name: str) -> str:
    """Return where a file that its owner sends to the bucket lies; it belongs to no task."""
    return f"{INPUTS}/{owner}/uploads/{name}"


def video_key(owner: str, task_id: str) -> str:
    """Return where a task's video lies."""
    return f"{VIDEOS}/{owner}/{task_id}.mp4"


def thumbnail_key(owner: str, task_id: str) -> str:
    """Return where a task's thumbnail lies."""
    return f"{THUMBNAILS}/{owner}/{task_id}.jpg"


class Files:
    """The bucket's content. Raises `ServiceError` when S3 does not answer or refuses."""

    def __init__(self, client: Callable[[], "S3Client"], bucket: str) -> None:
        """Take a way to the client: it is made at the first use, many requests need none."""
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes | IO[bytes], content_type: str) -> None:
        """Write one object in one PUT (at most 5 GB)."""
        try:
            self._client().put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type
            )
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return an object's bytes and content type; None when it is gone."""
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=key)
            return answer["Body"].read(), answer["ContentType"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise _away(exc) from exc
        except BotoCoreError as exc:
            raise _away(exc) from exc

    def written_at(self, key: str) -> float | None:
        """Return when an object was written (epoch seconds); None when there is none."""
        try:
            answer = self._client().head_object(Bucket=self._bucket, Key=key)
            return answer["LastModified"].timestamp()
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "404":
                return None
            raise _away(exc) from exc
        except BotoCoreError as exc:
            raise _away(exc) from exc

    def delete(self, keys: list[str]) -> None:
        """Remove objects; one that is not there is no error."""
        try:
            for key in keys:
                self._client().delete_object(Bucket=self._bucket, Key=key)
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc


@dataclass(frozen=True)
class Link:
    """A URL that works without credentials until `expires_at` (epoch seconds; None = unknown).

    Not longer, but maybe shorter: see `Links.to`.
    """

    url: str
    expires_at: float | None


@dataclass(frozen=True)
class Form:
    """A POST that puts one file into the bucket: `fields`, then the file itself as `file`."""

    url: str
    fields: dict[str, str]
    expires_at: float


class Links:
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
    ) -> Form:
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
        return Form(self._base, fields, expires_at)

    def key_of(self, url: str) -> str | None:
        """Return the key that a URL of ours names, presigned or not; None for any other URL."""
        if not url.startswith(self._base):
            return None
        return unquote(urlsplit(url).path.removeprefix(urlsplit(self._base).path))


def is_own_input(key: str, owner: str) -> bool:
    """Whether a key may serve this owner as an input image."""
    plain = ".." not in key.split("/") and "//" not in key
    return plain and any(key.startswith(f"{prefix}/{owner}/") for prefix in READABLE_AS_INPUT)


def _lifetime(credentials: Credentials, now: float) -> int:
    # Credentials that refresh know their end; a presigned URL dies with the session that signed.
    # Freezing refreshes those of a SnapStart snapshot, or the end read here would be long past.
    credentials.get_frozen_credentials()
    expiry = getattr(credentials, "_expiry_time", None)
    return int(expiry.timestamp() - now) if expiry else SESSION_SECONDS


def _away(exc: Exception) -> ServiceError:
    return service_error(exc, "S3", "The file store")
