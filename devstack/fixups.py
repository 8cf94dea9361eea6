"""What MiniStack's CloudFormation leaves out while it says CREATE_COMPLETE, put right.

Measured with 1.5.33: an HTTP API's `Body` (so it has no route), a function's reserved concurrency
and a table's TTL are dropped. `tests/e2e` checks what comes out. (A bucket's lifecycle is dropped
too; nothing there would act on it.) `deploy.prepare` has what is put right before.
"""

import re
from typing import TYPE_CHECKING, Any, cast

import boto3

from devstack.intrinsics import ABSENT

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2.type_defs import CorsTypeDef

    from devstack.deploy import Deployment


def apply_fixups(deployment: "Deployment") -> str:
    """Put back what was dropped; return the id of the HTTP API."""
    api = ""
    for logical_id, physical_id in deployment.physical_ids.items():
        resource = deployment.template["Resources"][logical_id]
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::ApiGatewayV2::Api":
                api = physical_id
                _route(api, properties["Body"], deployment)
            case "AWS::Lambda::Function":
                reserved = properties.get("ReservedConcurrentExecutions", ABSENT)
                _reserve(physical_id, deployment.intrinsics.resolve(reserved))
            case "AWS::DynamoDB::Table" if "TimeToLiveSpecification" in properties:
                boto3.client("dynamodb").update_time_to_live(
                    TableName=physical_id,
                    TimeToLiveSpecification=properties["TimeToLiveSpecification"],
                )
    return api


def _route(api: str, body: dict[str, Any], deployment: "Deployment") -> None:
    gateway = boto3.client("apigatewayv2")
    targets: dict[str, str] = {}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            function = _function_of(operation)
            if function not in targets:
                targets[function] = _integrate(api, deployment.physical_ids[function])
            gateway.create_route(
                ApiId=api, RouteKey=route_key(method, path), Target=targets[function]
            )
    cors = deployment.intrinsics.resolve(body.get("x-amazon-apigateway-cors", ABSENT))
    if cors is not ABSENT:
        capitalised = {name[0].upper() + name[1:]: value for name, value in cors.items()}
        gateway.update_api(ApiId=api, CorsConfiguration=cast("CorsTypeDef", capitalised))


def route_key(method: str, path: str) -> str:
    """API Gateway's name for an operation of its OpenAPI document."""
    if path.endswith("$default"):
        return "$default"
    return f"{'ANY' if method.startswith('x-') else method.upper()} {path}"


def _function_of(operation: dict[str, Any]) -> str:
    """The function behind an alias: its newest code, which is what a reload replaces."""
    uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    found = re.search(r"\$\{(\w+)Aliaslive\}", uri)
    if found is None:
        raise ValueError(f"an integration without a function: {uri}")
    return found[1]


def _integrate(api: str, function: str) -> str:
    found = boto3.client("lambda").get_function(FunctionName=function)
    integration = boto3.client("apigatewayv2").create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=found["Configuration"]["FunctionArn"],
        PayloadFormatVersion="2.0",
    )
    return f"integrations/{integration['IntegrationId']}"


def _reserve(function: str, executions: Any) -> None:
    if executions is not ABSENT:
        boto3.client("lambda").put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=int(executions)
        )
