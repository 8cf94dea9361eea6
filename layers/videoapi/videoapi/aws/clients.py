"""AWS clients that give up before the function's time is over."""

from typing import Any, Literal

from boto3.session import Session
from botocore.config import Config
from botocore.credentials import Credentials

from videoapi.errors import ServiceError

type Service = Literal["dynamodb", "s3", "secretsmanager", "sqs"]

# Seconds to connect and to read, and tries; a pause of up to a second is between two tries.
PATIENT = (3, 10, 3)
WAITS = {"others": (1, 3, 2), "sqs": (1, 1, 2)}  # the sweeper sends what SQS does not take


def new_client(session: Session, service: Service, *, patient: bool) -> Any:  # noqa: ANN401 — each service has a class
    """Return a client of an AWS service, which gives up in `WAITS` for those whom callers wait for.

    A hanging service must not outlive the function: the caller would read the gateway's own 503.
    """
    connect, read, tries = PATIENT if patient else WAITS.get(service, WAITS["others"])
    config = Config(
        connect_timeout=connect,
        read_timeout=read,
        retries={"mode": "standard", "total_max_attempts": tries},
        signature_version="s3v4" if service == "s3" else None,
        user_agent="video-api",  # else botocore describes itself at each call: 0.9 of its 3.8 M
        parameter_validation=False,  # AWS validates as well: 0.7 M of a submit; so in all tests too
    )
    return session.client(service, config=config)


def credentials(session: Session) -> Credentials:
    """Return the session's credentials. Raises `ServiceError` where it has none."""
    found = session.get_credentials()
    if found is None:
        raise ServiceError("This function has no AWS credentials.")
    return found
