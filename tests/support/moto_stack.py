"""template.yaml on moto, an emulator that is not the one of `make run`.

moto's CloudFormation makes most resources. The kinds it does not know (`LEFT_OUT`) and the
properties that it drops without a word (`PASSED_OVER`) are handed to moto by the service's own API,
with the template's values as moto's CloudFormation resolved them.
"""

import io
import json
import re
import zipfile
from functools import partial

import boto3

STACK = "video-api"
ARTIFACTS = "artifacts"  # where `source_of` puts the code
CLIENTS = (
    "apigatewayv2", "cloudformation", "cloudwatch", "dynamodb", "events", "iam", "lambda", "logs",
    "s3", "sns", "sqs",
)  # fmt: skip


class MotoStack:
    """The stack of a translated `document`; within `mock_aws`."""

    def __init__(self, document, deployment, parameters):
        self.document, self.deployment = document, deployment
        self.aws = {name: boto3.client(name) for name in CLIENTS}
        self._put_artifacts()
        self.names, texts = self._create(parameters)
        self.made = set(self.names)
        self.properties = {
            name: filled(resource["Properties"], texts)
            for name, resource in deployment.resources.items()
        }
        self.passed_over = {key: read(self) for key, (read, _) in PASSED_OVER.items()}

    def complete(self):
        """Hand over what moto's CloudFormation left out."""
        for (name, key), (_, write) in PASSED_OVER.items():
            write(self, self.properties[name][key])
        for kind, make in LEFT_OUT.items():
            for name in self.of(kind):
                make(self, name, dict(self.properties[name]))

    def of(self, kind):
        return [n for n, r in self.deployment.resources.items() if r["Type"] == kind]

    def _put_artifacts(self):
        self.aws["s3"].create_bucket(Bucket=ARTIFACTS)
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): pass\n")
        for resource in self.document["Resources"].values():
            code = resource["Properties"].get("Code") or resource["Properties"].get("Content")
            if code:
                self.aws["s3"].put_object(
                    Bucket=ARTIFACTS, Key=code["S3Key"], Body=package.getvalue()
                )

    def _create(self, parameters):
        """Create the stack; return what was made, and {intrinsic function: its value}."""
        properties = [resource["Properties"] for resource in self.deployment.resources.values()]
        asked = sorted({json.dumps(leaf) for leaf in leaves(properties) if not is_version(leaf)})
        outputs = {f"Leaf{i}": {"Value": json.loads(leaf)} for i, leaf in enumerate(asked)}
        document = without(self.document | {"Outputs": outputs}, LEFT_OUT)
        made = create(self.aws, document, STACK, parameters)
        (stack,) = self.aws["cloudformation"].describe_stacks(StackName=STACK)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        resolved = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return made, {leaf: resolved[f"Leaf{i}"] for i, leaf in enumerate(asked)}


def create(aws, document, stack, parameters):
    """Create the stack; return {logical id: physical id} of what was made."""
    aws["s3"].put_object(Bucket=ARTIFACTS, Key=f"{stack}.json", Body=json.dumps(document))
    aws["cloudformation"].create_stack(
        StackName=stack,
        TemplateURL=f"https://{ARTIFACTS}.s3.amazonaws.com/{stack}.json",  # too long for a body
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    pages = aws["cloudformation"].get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["LogicalResourceId"]  # a kind that moto does not know leaves a row of nothing
    }


def without(document, kinds):
    """Return the template without resources of these kinds, with a substitute for each.

    For an alias its function, which may be called wherever it may; for all else the logical id.
    """
    resources = document["Resources"]
    gone = {name: each for name, each in resources.items() if each["Type"] in kinds}
    return replaced(document, gone) | {
        "Resources": {
            name: replaced(each, gone) for name, each in resources.items() if name not in gone
        }
    }


def replaced(value, gone):
    """Return the value with what stands in for references to resources that are `gone`."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} if name in gone:
            found = _substitute(gone, name)
        case {"Fn::Sub": str(text)}:
            found = {"Fn::Sub": re.sub(r"\$\{(\w+)(?:\.\w+)?\}", partial(_in_text, gone), text)}
        case {"Fn::Sub": [str(text), dict(values)]}:
            whole = replaced({"Fn::Sub": text}, gone)["Fn::Sub"]
            found = {"Fn::Sub": [whole, replaced(values, gone)]}
        case dict():
            found = {key: replaced(each, gone) for key, each in value.items()}
        case list():
            found = [replaced(each, gone) for each in value]
        case _:
            found = value
    return found


def _substitute(gone, name):
    is_alias = gone[name]["Type"] == "AWS::Lambda::Alias"
    return gone[name]["Properties"]["FunctionName"] if is_alias else name


def _in_text(gone, found):
    if found[1] not in gone:
        return found[0]
    instead = _substitute(gone, found[1])
    return instead if isinstance(instead, str) else f"${{{instead['Ref']}}}"


def is_intrinsic(value):
    match value:
        case dict() if len(value) == 1:
            (key,) = value
            return key == "Ref" or key.startswith("Fn::")
    return False


def is_version(leaf):
    """Return whether it asks for a function's version: moto's CloudFormation cannot tell it."""
    return leaf.get("Fn::GetAtt", [None])[-1] == "Version"


def leaves(value):
    """Yield each intrinsic function in a value."""
    if is_intrinsic(value):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)


def filled(value, texts):
    if is_intrinsic(value):
        return value["Fn::GetAtt"][0] if is_version(value) else texts[json.dumps(value)]
    match value:
        case dict():
            return {key: filled(each, texts) for key, each in value.items()}
        case list():
            return [filled(each, texts) for each in value]
    return value


# --- kinds that moto's CloudFormation does not know


def _api(stack, name, properties):
    api, client = properties["Body"], stack.aws["apigatewayv2"]
    made = client.create_api(Name=api["info"]["title"], ProtocolType="HTTP")["ApiId"]
    client.reimport_api(ApiId=made, Body=json.dumps(api))
    stack.names[name] = made


def _stage(stack, _name, properties):
    throttled = {key: float(value) for key, value in properties["DefaultRouteSettings"].items()}
    throttled["ThrottlingBurstLimit"] = int(throttled["ThrottlingBurstLimit"])
    api = stack.names[properties["ApiId"]]
    changes = {"ApiId": api, "DefaultRouteSettings": throttled}
    stack.aws["apigatewayv2"].create_stage(**properties | changes)


def _alarm(stack, name, properties):
    stack.aws["cloudwatch"].put_metric_alarm(**{"AlarmName": name} | properties)


def _alias(stack, _name, properties):
    of = {"FunctionName": properties["FunctionName"]}
    *_, newest = stack.aws["lambda"].list_versions_by_function(**of)["Versions"]
    stack.aws["lambda"].create_alias(**properties | {"FunctionVersion": newest["Version"]})


def _invocations(stack, _name, properties):
    del properties["Qualifier"]  # moto takes none; it is $LATEST, which Lambda means without
    stack.aws["lambda"].put_function_event_invoke_config(**properties)


def _bucket_policy(stack, _name, properties):
    stack.aws["s3"].put_bucket_policy(
        Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
    )


#: Each for one reason: moto has it in its service's API, and no model of it for CloudFormation.
LEFT_OUT = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::ApiGatewayV2::Stage": _stage,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::EventInvokeConfig": _invocations,
    "AWS::S3::BucketPolicy": _bucket_policy,
}


# --- properties that moto's CloudFormation drops; how to read each at the service, and to set it


def _or_none(call, **arguments):
    try:
        return call(**arguments)
    except call.__self__.exceptions.ClientError:
        return None


def bucket(stack):
    return {"Bucket": stack.names["FilesBucket"]}


def table(stack):
    return {"TableName": stack.names["TasksTable"]}


def time_to_live(stack):
    found = stack.aws["dynamodb"].describe_time_to_live(**table(stack))["TimeToLiveDescription"]
    return found if found["TimeToLiveStatus"] == "ENABLED" else None


def recovery(stack):
    backups = stack.aws["dynamodb"].describe_continuous_backups(**table(stack))
    found = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return found if found["PointInTimeRecoveryStatus"] == "ENABLED" else None


def lifecycle(stack):
    return _or_none(stack.aws["s3"].get_bucket_lifecycle_configuration, **bucket(stack))


def cors(stack):
    return _or_none(stack.aws["s3"].get_bucket_cors, **bucket(stack))


def public_access(stack):
    return _or_none(stack.aws["s3"].get_public_access_block, **bucket(stack))


def ownership(stack):
    return _or_none(stack.aws["s3"].get_bucket_ownership_controls, **bucket(stack))


def _set_lifecycle(stack, configuration):
    rules = []
    for rule in configuration["Rules"]:
        each = {
            "ID": rule["Id"],
            "Status": rule["Status"],
            "Filter": {"Prefix": rule.get("Prefix", "")},
        }
        if "ExpirationInDays" in rule:
            each["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
        if "AbortIncompleteMultipartUpload" in rule:
            each["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
        rules.append(each)
    stack.aws["s3"].put_bucket_lifecycle_configuration(
        **bucket(stack), LifecycleConfiguration={"Rules": rules}
    )


def _set_cors(stack, configuration):
    api = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    rules = [
        {api.get(key, key): value for key, value in rule.items()}
        for rule in configuration["CorsRules"]
    ]
    stack.aws["s3"].put_bucket_cors(**bucket(stack), CORSConfiguration={"CORSRules": rules})


PASSED_OVER = {
    ("TasksTable", "TimeToLiveSpecification"): (
        time_to_live,
        lambda stack, value: stack.aws["dynamodb"].update_time_to_live(
            **table(stack), TimeToLiveSpecification=value
        ),
    ),
    ("TasksTable", "PointInTimeRecoverySpecification"): (
        recovery,
        lambda stack, value: stack.aws["dynamodb"].update_continuous_backups(
            **table(stack), PointInTimeRecoverySpecification=value
        ),
    ),
    ("FilesBucket", "LifecycleConfiguration"): (lifecycle, _set_lifecycle),
    ("FilesBucket", "CorsConfiguration"): (cors, _set_cors),
    ("FilesBucket", "PublicAccessBlockConfiguration"): (
        public_access,
        lambda stack, value: stack.aws["s3"].put_public_access_block(
            **bucket(stack), PublicAccessBlockConfiguration=value
        ),
    ),
    ("FilesBucket", "OwnershipControls"): (
        ownership,
        lambda stack, value: stack.aws["s3"].put_bucket_ownership_controls(
            **bucket(stack), OwnershipControls=value
        ),
    ),
}
