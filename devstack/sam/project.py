"""The built template as `sam local` needs it, and what its functions find in their environment."""

import json
import re
from pathlib import Path

import boto3
from ministack.core.lambda_runtime import execution_credentials

from devstack import template
from devstack.deploy import STACK
from devstack.settings import ROOT, Settings

#: SAM hands a container only variables that the template declares; these are Lambda's own.
_UNDECLARED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
#: Bodies that SAM would otherwise read as UTF-8, and answer 502.
_BINARY = ["multipart/form-data"]
_LOOPBACK = re.compile(r"\bhttp://(?:127\.0\.0\.1|localhost)\b")


def folder(settings: Settings) -> Path:
    """Return where `write` puts its two files; samconfig.toml names that of port 8000."""
    return ROOT / ".local" / "sam" / str(settings.api_port)


def write(settings: Settings, built: Path, address: str) -> None:
    """Write template.json and env.json; containers find this machine at `address`.

    The stack must be deployed: its names, and the roles' credentials, are what env.json tells.
    """
    place = folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    derived = derive(template.load(built / "template.yaml"), built)
    (place / "template.json").write_text(json.dumps(derived))
    (place / "env.json").write_text(json.dumps(_environments(settings, address), indent=1))


def derive(document: template.Template, built: Path) -> template.Template:
    """Return `document` for SAM: here, on this machine, with binary bodies and more variables."""
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        if code := template.code_folder(resource):
            name = "CodeUri" if "CodeUri" in properties else "ContentUri"
            properties[name] = str(built / code)
        if resource["Type"] == "AWS::Serverless::HttpApi":
            properties["DefinitionBody"]["x-amazon-apigateway-binary-media-types"] = _BINARY
    declared = document["Globals"]["Function"]["Environment"]["Variables"]
    declared |= dict.fromkeys(_UNDECLARED, "")
    for name, value in template.parameters(document, {}).items():
        document["Parameters"][name]["Default"] = value
    return document


def reachable(value: str, address: str) -> str:
    """Put `address` for this machine, which in a container is another."""
    return _LOOPBACK.sub(f"http://{address}", value)


def _environments(settings: Settings, address: str) -> dict[str, dict[str, str]]:
    """Return each function's variables, by logical id."""
    functions = boto3.client("lambda")
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=STACK)
    variables_of = {}
    for resource in resources["StackResources"]:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            found = functions.get_function_configuration(
                FunctionName=resource["PhysicalResourceId"]
            )
            variables = found["Environment"]["Variables"]
            variables_of[resource["LogicalResourceId"]] = {
                # PUBLIC_URL is for the caller, who is on this machine.
                **{
                    k: v if k == "PUBLIC_URL" else reachable(v, address)
                    for k, v in variables.items()
                },
                **execution_credentials(dict(found)),
                "AWS_ENDPOINT_URL": reachable(settings.aws_url, address),
            }
    return variables_of
