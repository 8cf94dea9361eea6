import json
import re

import pytest

from tests.support.template import properties, routes
from videoapi.api import documentation

ROUTES = {
    "POST /api/v1/videos/generate": "SubmitFunction",
    "POST /v1/videos": "SubmitFunction",
    "GET /api/v1/tasks": "ListFunction",
    "GET /api/v1/tasks/{task_id}": "StatusFunction",
    "GET /api/v1/videos/{task_id}": "StatusFunction",
    "GET /v1/videos": "ListFunction",
    "GET /v1/videos/{task_id}": "StatusFunction",
    "GET /v1/videos/{task_id}/content": "ContentFunction",
    "DELETE /api/v1/tasks/{task_id}": "CancelFunction",
    "DELETE /v1/videos/{task_id}": "CancelFunction",
    "GET /v1/models": "ListFunction",
    "GET /v1/models/{model}": "ListFunction",
    "GET /api/v1/models": "ListFunction",
    "GET /api/v1/usage": "ListFunction",
    "POST /api/v1/images/generate": "ImagesFunction",
    "POST /api/v1/uploads": "UploadsFunction",
    "POST /mcp": "McpFunction",
    "POST /api/v1/webhooks/test": "HookTestFunction",
    "GET /": "DocsFunction",
    "GET /playground/{file}": "DocsFunction",
    "GET /docs": "DocsFunction",
    "GET /docs.js": "DocsFunction",
    "GET /openapi.json": "DocsFunction",
    "GET /examples/mountains.jpg": "DocsFunction",
    "GET /api/v1/health": "DocsFunction",
    "$default": "DocsFunction",
}
# A gateway hands HEAD to no route of GET.
ROUTES |= {f"HEAD {key[4:]}": role for key, role in ROUTES.items() if key.startswith("GET ")}


def events_of(source, name):
    return properties(source, name)["Events"]


@pytest.mark.fails_when(
    a_route_is_lost=lambda s: events_of(s, "DocsFunction").pop("Default"),
    a_method_is_wrong=lambda s: events_of(s, "CancelFunction")["Task"]["Properties"].update(
        Method="POST"
    ),
    a_route_goes_astray=lambda s: events_of(s, "ContentFunction").update(
        More=events_of(s, "ListFunction").pop("Videos")
    ),
)
def test_each_documented_route_leads_to_its_function(template):
    assert routes(template.deployed()) == ROUTES


@pytest.mark.fails_when(
    one_is_of_the_old_form=lambda s: events_of(s, "SubmitFunction")["Rest"]["Properties"].update(
        PayloadFormatVersion="1.0"
    )
)
def test_every_function_is_handed_payload_2_0(template):
    assert routes(template.deployed(), payload="2.0") == ROUTES


@pytest.mark.fails_when(
    it_is_as_fast_as_others=lambda s: properties(s, "HttpApi").pop("RouteSettings"),
    it_takes_the_account_s_executions=lambda s: properties(s, "HookTestFunction").pop(
        "ReservedConcurrentExecutions"
    ),
)
def test_tests_of_webhooks_are_few_at_a_time(template):
    """Each waits for a stranger's address: they must not use up what other functions need."""
    deployed = template.deployed(ReserveConcurrency="true")
    (stage,) = deployed.of_type("ApiGatewayV2::Stage").values()
    assert stage["RouteSettings"] == {
        "POST /api/v1/webhooks/test": {"ThrottlingRateLimit": 2, "ThrottlingBurstLimit": 5}
    }
    assert deployed["HookTestFunction"]["ReservedConcurrentExecutions"] == 5


@pytest.mark.fails_when(
    no_limit=lambda s: properties(s, "HttpApi").pop("DefaultRouteSettings"),
    a_fixed_limit=lambda s: properties(s, "HttpApi")["DefaultRouteSettings"].update(
        ThrottlingRateLimit=10000
    ),
)
def test_the_api_is_throttled_as_the_parameters_say(template):
    deployment = template.deployed(ApiRateLimit="7", ApiBurstLimit="9")
    (stage,) = deployment.of_type("ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": "7",
        "ThrottlingBurstLimit": "9",
    }


@pytest.mark.fails_when(
    no_log=lambda s: properties(s, "HttpApi").pop("AccessLogSettings"),
    no_json=lambda s: properties(s, "HttpApi")["AccessLogSettings"].update(
        Format="$context.requestId $context.routeKey"
    ),
    the_path_with_the_task_id=lambda s: properties(s, "HttpApi")["AccessLogSettings"].update(
        Format='{"requestId":"$context.requestId","path":"$context.path"}'
    ),
    a_line_that_a_caller_can_break=lambda s: properties(s, "HttpApi")["AccessLogSettings"].update(
        Format='{"requestId":"$context.requestId","agent":"$context.identity.userAgent"}'
    ),
)
def test_access_log_is_json_without_callers_text(template):
    """The access log is JSON and holds nothing that a caller wrote."""
    (stage,) = template.deployed().of_type("ApiGatewayV2::Stage").values()
    access_log = stage["AccessLogSettings"]
    assert set(json.loads(access_log["Format"])) >= {"requestId", "route", "status", "latencyMs"}
    assert not re.search(r"path|userAgent|query|header", access_log["Format"])
    assert access_log["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}


@pytest.mark.fails_when(
    the_gateway_s_own_id=lambda s: properties(s, "HttpApi")["AccessLogSettings"].update(
        Format='{"functionRequestId":"$context.requestId"}'
    ),
)
def test_access_log_has_the_functions_id_and_the_reason(
    template,
):
    """Lambda's `aws_request_id` is what callers read as `x-request-id`; AWS calls it the
    integration's. A time-out, a throttle and a 413 stand in the integration's error alone.
    """
    (stage,) = template.deployed().of_type("ApiGatewayV2::Stage").values()
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert line["functionRequestId"] == "$context.integration.requestId"
    assert line["integrationError"] == "$context.integrationErrorMessage"
    assert len(stage["AccessLogSettings"]["Format"]) < 3000


@pytest.mark.fails_when(
    always_open=lambda s: s["Conditions"].update(WithCors={"Fn::Equals": ["", ""]})
)
def test_no_web_page_may_call_the_api_unless_its_origin_is_given(template):
    closed = template.deployed()["HttpApi"]["Body"]
    assert "x-amazon-apigateway-cors" not in closed
    opened = template.deployed(CorsAllowOrigins="https://one.example,https://two.example")
    cors = opened["HttpApi"]["Body"]["x-amazon-apigateway-cors"]
    assert cors["allowOrigins"] == ["https://one.example", "https://two.example"]
    assert set(cors["allowMethods"]) == {"GET", "POST", "DELETE"}
    assert "allowCredentials" not in cors


# What a page may read of any answer (the Fetch standard), and what only its browser needs.
ALWAYS_READ = {"cache-control", "content-type"}
FOR_THE_BROWSER = {
    "content-security-policy",
    "etag",
    "strict-transport-security",
    "vary",
    "www-authenticate",
    "x-content-type-options",
}


def cors_of(source):
    return properties(source, "HttpApi")["DefinitionBody"]["x-amazon-apigateway-cors"]["Fn::If"][1]


def documented_headers():
    document = json.loads(documentation.asset("/openapi.json")[1])
    answers = list(document["components"]["responses"].values())
    for operations in document["paths"].values():
        for operation in operations.values():
            answers += operation["responses"].values()
    return {name.lower() for response in answers for name in response.get("headers", ())}


@pytest.mark.fails_when(
    an_answer_s_is_hidden=lambda s: cors_of(s)["exposeHeaders"].remove("retry-after"),
    a_key_cannot_be_sent=lambda s: cors_of(s)["allowHeaders"].remove("x-api-key"),
    a_request_cannot_be_repeated=lambda s: cors_of(s)["allowHeaders"].remove("idempotency-key"),
)
def test_a_page_may_send_a_key_and_read_every_documented_header(template):
    opened = template.deployed(CorsAllowOrigins="https://one.example")
    cors = opened["HttpApi"]["Body"]["x-amazon-apigateway-cors"]
    assert set(cors["exposeHeaders"]) == documented_headers() - ALWAYS_READ - FOR_THE_BROWSER
    sent = {"authorization", "content-type", "idempotency-key", "x-api-key"}
    assert sent <= set(cors["allowHeaders"])
