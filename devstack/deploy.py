"""The built template into MiniStack, as `sam deploy` would do it: code to S3, one stack created."""

import hashlib
import io
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from devstack import template
from devstack.intrinsics import ABSENT, Intrinsics

STACK = "video-api"
_ARTIFACTS, _TEMPLATE = "artifacts", "template.json"
ACCOUNT = "000000000000"  # MiniStack's; AWS has none of that number


@dataclass(frozen=True)
class Deployment:
    """A created stack: its template after SAM's transform, and what became of its names."""

    template: template.Template
    physical_ids: dict[str, str]
    intrinsics: Intrinsics


def zipped(files: Iterable[tuple[str, Path]], lie_in: str = "") -> bytes:
    """Pack names and files; stored, not deflated, for it goes to this very process.

    The comment names a folder that the files `lie_in`, if there is one.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = lie_in.encode()
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


def prepare(document: template.Template, intrinsics: Intrinsics) -> None:
    """Write a mapping's concurrency as a number, and the account into conditions.

    MiniStack 1.5.33 makes a string of a `MaximumConcurrency` by `!Ref`, which stops every poller,
    and takes `!Ref AWS::AccountId` in a condition for that very text.
    """
    conditions = document.get("Conditions", {})
    for name, condition in conditions.items():
        conditions[name] = _with_account(condition)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["Properties"]
            scaling = intrinsics.resolve(properties.pop("ScalingConfig", ABSENT))
            if scaling is not ABSENT:
                maximum = int(scaling["MaximumConcurrency"])
                properties["ScalingConfig"] = {"MaximumConcurrency": maximum}


def _with_account(condition: Any) -> Any:
    match condition:
        case {"Ref": "AWS::AccountId"}:
            return ACCOUNT
        case dict():
            return {name: _with_account(value) for name, value in condition.items()}
        case list():
            return [_with_account(value) for value in condition]
    return condition


def _wait_until_created() -> None:
    cloudformation = boto3.client("cloudformation")
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            raise RuntimeError(f"{stack['StackStatus']}: {stack.get('StackStatusReason')}")
        time.sleep(0.02)


def _upload(document: template.Template, built: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=_ARTIFACTS)
    for resource in document["Resources"].values():
        folder = template.code_folder(resource)
        if folder is None:
            continue
        root = built / folder
        files = [(p.relative_to(root).as_posix(), p) for p in root.rglob("*") if p.is_file()]
        is_layer = resource["Type"] == "AWS::Serverless::LayerVersion"
        data = zipped(files, linked(root) if is_layer else "")
        key = hashlib.sha256(data).hexdigest()
        s3.put_object(Bucket=_ARTIFACTS, Key=key, Body=data)
        name = "CodeUri" if "CodeUri" in resource["Properties"] else "ContentUri"
        resource["Properties"][name] = f"s3://{_ARTIFACTS}/{key}"


def layer_folder() -> Path:
    """Return where a layer is to lie while this run lasts; `logs` knows the name."""
    return Path(tempfile.mkdtemp(prefix="ministack-lambda-layers-")) / "layer_0"


def linked(root: Path) -> str:
    """Return a folder of the same files, which stay when the next build makes others."""
    return str(shutil.copytree(root, layer_folder(), copy_function=_link))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)
