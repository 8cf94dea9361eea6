"""`template.yaml` as deployed: translated by SAM, with conditions and parameters resolved."""

import json
import logging
import re
import sys
from copy import deepcopy
from functools import lru_cache
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import Py27Dict
from samtranslator.yaml_helper import yaml_parse

from devstack import deploy
from devstack.intrinsics import Intrinsics

ROOT = Path(__file__).parents[2]
NOTHING = object()
ACCOUNT = "123456789012"  # one of AWS
SESSION = boto3.Session(region_name="us-east-1")

# SAM gives an API's keys the order that Python 2.7 had, which is half of a translation's time.
for module in [each for name, each in sys.modules.items() if name.startswith("samtranslator.")]:
    if getattr(module, "Py27Dict", None) is Py27Dict:
        module.Py27Dict = dict


def source_of(name):
    """Return the SAM source with its short tags spelt out, and the code in S3 as `package` does."""
    source = yaml_parse((ROOT / name).read_text())
    for resource in source["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & resource["Properties"].keys():
            resource["Properties"][key] = f"s3://artifacts/{resource['Properties'][key]}"
    return source


def properties(source, name):
    return source["Resources"][name]["Properties"]


def routes(deployment, payload=None):
    """Return {"GET /path": "LogicalIdOfTheFunction"}, read from what SAM made of the events."""
    found = {}
    for path, methods in deployment["HttpApi"]["Body"]["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            assert payload in {None, integration["payloadFormatVersion"]}
            key = path if operation.get("isDefaultRoute") else f"{method.upper()} {path}"
            uri = integration["uri"]["Fn::Sub"]
            found[key] = re.search(r"\$\{(\w+?)(Aliaslive|\.Arn)\}", uri).group(1)
    return found


class Template:
    """The source, and what becomes of it with given parameters."""

    def __init__(self, source):
        self.source = source
        self.deployed = lru_cache(self._deployed)

    def allows(self, **parameters):
        """Return whether CloudFormation would take these parameters together."""
        holds = Intrinsics(values_of(self.source, parameters), self.source["Conditions"]).holds
        return all(
            not holds(rule["RuleCondition"])
            or all(holds(each["Assert"]) for each in rule["Assertions"])
            for rule in self.source["Rules"].values()
        )

    def _deployed(self, **parameters):
        return Deployment(translated(self.source, parameters), parameters)


def values_of(document, parameters):
    """Return what each parameter is, the defaults included."""
    defaults = {k: str(v["Default"]) for k, v in document["Parameters"].items()}
    account = deploy.ACCOUNT if parameters.get("Stage") == "local" else ACCOUNT
    return {"AWS::AccountId": account} | defaults | parameters


class Deployment:
    """Resources by logical id, nothing left to decide; `Ref`s to resources and `Sub`s stay."""

    def __init__(self, document, parameters):
        self.parameters = values_of(document, parameters)
        self.holds = Intrinsics(self.parameters, document["Conditions"]).holds
        self.resources = {
            name: resource | {"Properties": self.resolved(resource["Properties"])}
            for name, resource in document["Resources"].items()
            if "Condition" not in resource or self.holds({"Condition": resource["Condition"]})
        }

    def __getitem__(self, logical_id):
        return self.resources[logical_id]["Properties"]

    def of_type(self, kind):
        return {
            k: v["Properties"] for k, v in self.resources.items() if v["Type"] == f"AWS::{kind}"
        }

    def resolved(self, value):
        match value:
            case {"Ref": "AWS::NoValue"}:
                found = NOTHING
            case {"Ref": str(name)} if name in self.parameters:
                found = self.parameters[name]
            case {"Fn::If": [str(name), then, otherwise]}:
                found = self.resolved(then if self.holds({"Condition": name}) else otherwise)
            case {"Fn::Split": [str(separator), text]}:
                found = self.resolved(text).split(separator)
            case dict():
                found = _without_nothing(
                    zip(value, map(self.resolved, value.values()), strict=True)
                )
            case list():
                found = [item for item in map(self.resolved, value) if item is not NOTHING]
            case _:
                found = value
        return found


def _without_nothing(pairs):
    return {key: value for key, value in pairs if value is not NOTHING}


def translated(source, parameters):
    """Return the CloudFormation document, offline: no managed policy is looked up."""
    translator = Translator({}, Parser(), boto_session=SESSION)
    document = translator.translate(deepcopy(source), dict(parameters))
    translator.metrics.publish()
    return document


if __name__ == "__main__":
    logging.disable()  # SAM warns of a feature that nobody turned on
    json.dump(translated(source_of("template.yaml"), {}), sys.stdout, indent=1)
