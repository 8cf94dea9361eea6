"""The HTTP side of a handler on its own: an event in, an answer out."""

import base64
import json

import pytest
from aws_lambda_powertools import Logger

from tests.support.client import Context
from videoapi.api.application import Api, presented_key
from videoapi.api.bodies import MAX_BODY
from videoapi.api.replies import json_response, redirect
from videoapi.errors import RateLimited, ServiceError, ValidationError
from videoapi.settings import Settings

DOMAIN = "a1b2c3.execute-api.us-east-1.amazonaws.com"


def new_api(**settings):
    chosen = Settings(**{"allow_anonymous": True} | settings)
    return Api(chosen, keys=None, logger=Logger(service="test"), clock=lambda: 0.0)


@pytest.fixture
def api():
    return new_api()


def event(path="/api/v1/x", method="GET", **more):
    http = {"method": method, "path": path}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "headers": {},
        "requestContext": {"http": http, "stage": "$default", "domainName": DOMAIN},
        "isBase64Encoded": False,
    } | more


def seen(read, *, public_url="", **more):
    """Return what `read` sees of the request while it is handled, or the type of the refusal."""
    api, found = new_api(public_url=public_url), []

    @api.post("/api/v1/x")
    def route():
        found.append(read(api))
        return json_response({})

    result = api.handle(event(method="POST", **more), Context())
    return found[0] if found else json.loads(result["body"])["error"]["type"]


def refusal(api, error, path="/api/v1/x"):
    @api.get(path)
    def route():
        raise error

    result = api.handle(event(path), Context())
    return result, {name.lower(): value for name, value in result["headers"].items()}


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_header_names_are_read_in_any_case(name):
    headers = {name: "Text/HTML; charset=x"}
    assert seen(lambda api: api.media_type, headers=headers) == "text/html"


def test_no_content_type_is_an_empty_one():
    assert seen(lambda api: api.media_type) == ""
    assert seen(lambda api: api.media_type, headers=None) == ""


@pytest.mark.parametrize(
    "kind", ["", "application/json", "application/json;charset=x", "application/vnd.x+json"]
)
def test_json_has_several_names(kind):
    headers = {"content-type": kind}
    assert seen(Api.json_body, headers=headers, body="{}") == b"{}"


def test_another_format_is_not_read_as_json():
    headers = {"content-type": "text/plain"}
    assert seen(Api.json_body, headers=headers, body="{}") == "UnsupportedMediaType"


def test_a_body_is_bytes_whether_it_came_as_text_or_base64():
    assert seen(Api.body, body="ü") == "ü".encode()
    encoded = base64.b64encode(b"\xff\0").decode()
    assert seen(Api.body, body=encoded, isBase64Encoded=True) == b"\xff\0"
    assert seen(Api.body, body=None) == b""
    assert seen(Api.body) == b""


def test_the_limit_is_of_the_body_as_the_function_gets_it():
    assert len(seen(Api.body, body="x" * MAX_BODY)) == MAX_BODY
    assert seen(Api.body, body="x" * (MAX_BODY + 1)) == "PayloadTooLarge"
    assert MAX_BODY == 6 * 1024 * 1024


@pytest.mark.parametrize("body", ["*", "YQ", "ü", "YQ==YQ=="])
def test_broken_base64_body_is_malformed(body):
    assert seen(Api.body, body=body, isBase64Encoded=True) == "MalformedBody"


def base_url(api):
    return api.base_url


def test_links_use_the_public_url_or_the_requests_host():
    """Links go to the public URL where one is set and else to the request's host."""
    assert seen(base_url) == f"https://{DOMAIN}"
    assert seen(base_url, public_url="https://v.example.com/") == "https://v.example.com"


def test_no_query_is_an_empty_one():
    assert seen(lambda api: dict(api.query)) == {}
    query = {"a": "1"}
    assert seen(lambda api: dict(api.query), queryStringParameters=query) == query


def test_a_refusal_that_a_retry_cannot_help_says_so(api):
    _, headers = refusal(api, ValidationError("Text."))
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers


def test_a_refusal_worth_a_retry_says_when(api):
    result, headers = refusal(api, ServiceError("Text."))
    assert result["statusCode"] == 503
    assert "x-should-retry" not in headers
    assert 1 <= int(headers["retry-after"]) <= 60


def test_a_failure_that_knows_better_when_to_retry_is_believed(api):
    _, headers = refusal(api, RateLimited("Text.", retry_after=17))
    assert headers["retry-after"] == "17"


@pytest.mark.parametrize(
    ("path", "key"), [("/v1/x", "param"), ("/api/v1/x", "retryable"), ("/v1x", "retryable")]
)
def test_the_path_decides_on_the_shape_of_an_error(api, path, key):
    result, _ = refusal(api, ValidationError("Text."), path)
    assert key in json.loads(result["body"])["error"]


@pytest.mark.parametrize("path", ["/v1/x", "/api/v1/x"])
def test_nothing_escapes_a_handler(api, path):
    """Under `sam local` an exception would answer 200 with a traceback."""
    result, headers = refusal(api, RuntimeError("secret"), path)
    assert result["statusCode"] == 500
    assert "secret" not in result["body"]
    assert headers["x-request-id"]
    assert headers["x-should-retry"] == "false", "whatever was done may have been paid for"


@pytest.mark.parametrize(("asked", "shown"), [(86400, "60"), (0.5, "1")])
def test_retry_after_stays_within_a_minute(api, asked, shown):
    _, headers = refusal(api, RateLimited("Text.", retry_after=asked))
    assert headers["retry-after"] == shown


def test_body_and_header_agree_on_whether_a_retry_helps(api):
    error = RateLimited("Text.")
    error.retryable = False
    result, headers = refusal(api, error)
    assert headers["x-should-retry"] == "false"
    assert json.loads(result["body"])["error"]["retryable"] is False


def test_an_event_of_another_kind_is_a_500_and_no_exception(api):
    assert api.handle({"Records": []}, Context())["statusCode"] == 500


def test_a_redirect_keeps_its_method_and_is_not_stored():
    response = redirect("https://example.com/v.mp4")
    assert response.status_code == 307
    assert response.headers["Location"] == "https://example.com/v.mp4"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "key"),
    [
        ("Bearer one", None, "one"),
        ("bearer  one ", "two", "one"),
        ("Basic one", "two", "two"),
        ("Bearer ", "two", "two"),
        (None, "two", "two"),
        (None, None, ""),
    ],
)
def test_a_key_is_presented_as_bearer_or_in_its_own_header(authorization, x_api_key, key):
    assert presented_key(authorization, x_api_key) == key
