"""The built template into MiniStack, as `sam deploy` would do it: code to S3, one stack created."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import boto3

from devstack import template
from devstack.fixups import prepare
from devstack.intrinsics import Intrinsics

STACK = "video-api"
_ARTIFACTS, _TEMPLATE = "artifacts", "template.json"


@dataclass(frozen=True)
class Deployment:
    """A created stack: its template after SAM's transform, and what became of its names."""

    template: template.Template
    physical_ids: dict[str, str]
    intrinsics: Intrinsics


def zipped(files: Iterable[tuple[str, Path]]) -> bytes:
    """Pack names and files; stored, not deflated, for it goes to this very process."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, path in sorted(files):
            archive.write(path, name)
    return buffer.getvalue()


def deploy(built: Path, chosen: dict[str, str]) -> Deployment:
    """Create the stack; raise `RuntimeError` with CloudFormation's reason when it refuses."""
    document = template.load(built / "template.yaml")
    _upload(document, built)
    defaults = {name: p["Default"] for name, p in document["Parameters"].items() if "Default" in p}
    conditions = document.get("Conditions", {})
    prepare(document, Intrinsics(defaults | chosen, conditions))
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    # CloudFormation takes 51,200 bytes with the request, and 1 MB from S3.
    s3.put_object(Bucket=_ARTIFACTS, Key=_TEMPLATE, Body=json.dumps(document).encode())
    try:
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"{s3.meta.endpoint_url}/{_ARTIFACTS}/{_TEMPLATE}",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in chosen.items()],
        )
    except cloudformation.exceptions.ClientError as exc:
        raise RuntimeError(exc.response["Error"]["Message"]) from exc
    _wait_until_created()
    processed = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    physical_ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
    return Deployment(
        template=dict(processed["TemplateBody"]),
        physical_ids=physical_ids,
        intrinsics=Intrinsics(defaults | chosen | physical_ids, conditions),
    )


def _wait_until_created() -> None:
    cloudformation = boto3.client("cloudformation")
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            message = f"{stack['StackStatus']}: {stack.get('StackStatusReason')}"
            raise RuntimeError(message)
        time.sleep(0.02)


def _upload(document: template.Template, built: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=_ARTIFACTS)
    for resource in document["Resources"].values():
        folder = template.code_folder(resource)
        if folder is None:
            continue
        root = built / folder
        data = zipped((p.relative_to(root).as_posix(), p) for p in root.rglob("*") if p.is_file())
        key = hashlib.sha256(data).hexdigest()
        s3.put_object(Bucket=_ARTIFACTS, Key=key, Body=data)
        name = "CodeUri" if "CodeUri" in resource["Properties"] else "ContentUri"
        resource["Properties"][name] = f"s3://{_ARTIFACTS}/{key}"
