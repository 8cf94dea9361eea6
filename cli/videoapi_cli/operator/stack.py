"""The stack that a command is about, local or deployed, found by its outputs."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from devstack.deploy import STACK
from devstack.settings import ROOT, Settings
from videoapi.aws.task_store import TaskStore

DIRECT = Config(proxies={})  # no proxy of the environment knows this machine's own ports
ASKED = "right name, AWS_REGION, and credentials (`aws sts get-caller-identity`)?"


@dataclass(frozen=True)
class Deployed:
    """The data of one stack."""

    session: boto3.Session
    endpoint: str | None
    outputs: dict[str, str]
    open_to_all: bool = False  # callers need no key
    relay: str = ""  # its URL
    retention_hours: int = 24  # for which ended tasks are kept
    task_timeout: int = 1800  # seconds after which a job is given up

    def client(self, service: Any) -> Any:
        """Return a client for this stack's AWS."""
        config = DIRECT if self.endpoint else None
        return self.session.client(service, endpoint_url=self.endpoint, config=config)

    def store(self) -> TaskStore:
        """Return the table of tasks."""
        return TaskStore(self.client("dynamodb"), self.outputs["TasksTableName"])


def find(stack: str | None) -> Deployed:
    """Look a stack up by its outputs; the local one by its port. Raise `ValueError` in words."""
    # AWS's command line knows AWS_REGION, boto3 only AWS_DEFAULT_REGION.
    session, endpoint = boto3.Session(region_name=os.environ.get("AWS_REGION") or None), None
    if stack is None:
        settings = Settings.read(os.environ, ROOT / os.environ.get("ENV_FILE", ".env"))
        endpoint = settings.aws_url
        session = boto3.Session("test", "test", region_name="us-east-1")
    elif not session.region_name:
        raise ValueError(f"In which region is {stack}? Say AWS_REGION=…")
    once = DIRECT.merge(Config(retries={"total_max_attempts": 1})) if endpoint else None
    cloudformation = session.client("cloudformation", endpoint_url=endpoint, config=once)
    try:
        described = cloudformation.describe_stacks(StackName=stack or STACK)["Stacks"][0]
    except (NoCredentialsError, ClientError) as exc:
        exc.add_note(f"AWS was asked about {stack or STACK} in {session.region_name}: {ASKED}")
        raise
    except EndpointConnectionError as exc:
        if endpoint is None:
            raise
        raise ValueError(f"No local stack at {endpoint}: start `make run`, or say STACK=…") from exc
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    if "TasksTableName" not in outputs:
        state = described["StackStatus"]
        raise ValueError(f"{stack or STACK} has no tasks: another stack, or not whole ({state}).")
    chosen = {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])}
    is_open, relay = chosen.get("AllowAnonymous") == "true", chosen.get("Veo3BaseUrl", "")
    hours = int(float(chosen.get("TaskRetentionHours") or Deployed.retention_hours))
    timeout = int(float(chosen.get("VideoTaskTimeout") or Deployed.task_timeout))
    return Deployed(session, endpoint, outputs, is_open, relay, hours, timeout)
