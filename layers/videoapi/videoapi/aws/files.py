"""Files in the S3 bucket, and links and forms that open it without credentials.

`Links` presigns with botocore's signers alone: a presigned URL then costs 2 M instructions instead
of the 176 M that an S3 client costs at cold start, and the API roles never need that client.
"""

from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws.errors import service_error
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INPUTS, VIDEOS, THUMBNAILS, IMAGES = "inputs", "videos", "thumbnails", "images"
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


def is_own_input(key: str, owner: str) -> bool:
    """Whether a key may serve this owner as an input image."""
    plain = ".." not in key.split("/") and "//" not in key
    return plain and any(key.startswith(f"{prefix}/{owner}/") for prefix in READABLE_AS_INPUT)


def _away(exc: Exception) -> ServiceError:
    return service_error(exc, "S3", "The file store")
