"""template.yaml as data: short tags, parameters, and the settings it hands to the functions."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

type Template = dict[str, Any]

KEY_SECRET = "_API_KEY_SECRET"  # noqa: S105 — the end of a variable's name


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # ten times as fast
    """YAML with CloudFormation's short tags."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def load(path: Path) -> Template:
    """Read a template, short tags as their long forms."""
    template: Template = yaml.load(path.read_text(), _Loader)  # noqa: S506 — a SafeLoader
    return template


def code_folder(resource: Mapping[str, Any]) -> str | None:
    """The local folder of a function's or a layer's code, as the template writes it."""
    if resource["Type"] not in {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}:
        return None
    properties = resource["Properties"]
    folder = properties.get("CodeUri", properties.get("ContentUri"))
    return folder if isinstance(folder, str) else None


def variables(template: Template) -> dict[str, str]:
    """The settings that a template parameter decides, each with that parameter."""
    declared = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for resource in template.get("Resources", {}).values():  # the worker has more than the others
        if resource["Type"] == "AWS::Serverless::Function":
            declared |= resource["Properties"].get("Environment", {}).get("Variables", {})
    references = {
        name: value["Ref"]
        for name, value in declared.items()
        if isinstance(value, dict) and "Ref" in value
    }
    return {
        name: parameter
        for name, parameter in references.items()
        if parameter in template["Parameters"]
    }


def parameters(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that these values of variables make, and this machine's own."""
    chosen = {
        parameter: values[name] for name, parameter in variables(template).items() if name in values
    }
    here = {"Stage": "local", "Architecture": architecture()}
    return chosen | {name: here[name] for name in here if name in template["Parameters"]}


def by_variable(template: Template, text: str) -> str:
    """Put settings' names, which the user knows, in place of their parameters' in an error."""
    for variable, parameter in variables(template).items():
        text = text.replace(f"'{parameter}'", variable)
    return text


def secrets(template: Template, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the secrets to make (name → value), and the parameters that must then name them.

    A key, say VEO3_API_KEY, is kept under the name that VEO3_API_KEY_SECRET has; a parameter that
    is empty by default (the feature is off) gets a name once there is a key.
    """
    made: dict[str, str] = {}
    named: dict[str, str] = {}
    for variable, parameter in variables(template).items():
        itself = variable == "WEBHOOK_SECRET"  # here the secret, to a function its name
        key = values.get(variable if itself else variable.removesuffix("_SECRET"), "")
        if not variable.endswith("_SECRET") or not key:
            continue
        name = None if itself else values.get(variable)
        name = name or template["Parameters"][parameter].get("Default")
        if not name:
            name = f"video-api/{variable.removesuffix('_SECRET').lower().replace('_', '-')}"
        made[name] = key
        named[parameter] = name
    return made, named


def architecture() -> str:
    """This machine's, in Lambda's words: the functions run on it natively."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
