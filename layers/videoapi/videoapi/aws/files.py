"""Files in the S3 bucket, and the keys under which they lie."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

from videoapi.aws.errors import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INPUTS, VIDEOS, THUMBNAILS, IMAGES = "inputs", "videos", "thumbnails", "images"
SESSION_SECONDS = 12 * 3600  # the longest that IAM lets a role's session be
READABLE_AS_INPUT = (INPUTS, IMAGES)
ABSENT = frozenset({"NoSuchKey", "404"})  # 404: the response to a HEAD has no body


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


_s3_errors = partial(aws_errors, "S3", "The file store")


@dataclass(eq=False, repr=False)
class FileStore:
    """The bucket's content. Raises `ServiceError` when S3 does not answer or refuses."""

    client: Callable[[], "S3Client"]  # made at the first use: many requests need none
    bucket: str

    def put(self, key: str, body: bytes | IO[bytes], content_type: str) -> None:
        """Write one object in one PUT (at most 5 GB)."""
        with _s3_errors():
            self.client().put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type
            )

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return an object's bytes and content type; None when it is gone."""
        with _s3_errors():
            try:
                response = self.client().get_object(Bucket=self.bucket, Key=key)
                return response["Body"].read(), response["ContentType"]
            except ClientError as exc:
                if error_code(exc) in ABSENT:
                    return None
                raise

    def written_at(self, key: str) -> float | None:
        """Return when an object was written (epoch seconds); None when there is none."""
        with _s3_errors():
            try:
                response = self.client().head_object(Bucket=self.bucket, Key=key)
                return response["LastModified"].timestamp()
            except ClientError as exc:
                if error_code(exc) in ABSENT:
                    return None
                raise

    def delete(self, keys: list[str]) -> None:
        """Remove objects; one that is not there is no error."""
        with _s3_errors():
            for key in keys:
                self.client().delete_object(Bucket=self.bucket, Key=key)


def is_own_input(key: str, owner: str) -> bool:
    """Return whether a key may serve this owner as an input image."""
    plain = ".." not in key.split("/") and "//" not in key
    return plain and any(key.startswith(f"{prefix}/{owner}/") for prefix in READABLE_AS_INPUT)
