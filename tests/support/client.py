"""API Gateway's part: a request becomes an event (payload 2.0) for the role of its route."""

import base64
import gzip
import importlib.util
import itertools
import json
from dataclasses import dataclass, field
from functools import cache
from json import dumps
from urllib.parse import unquote, urlencode

import httpx
import pytest

from tests.support.moto import ROOT, template
from tests.support.permissions import PERMISSIONS
from videoapi import bootstrap, bootstrap_webhooks, bootstrap_worker

NUMBERS = itertools.count(1)
UNSAID = object()  # None is JSON
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")


@dataclass
class Context:
    """What Lambda tells a function of one invocation."""

    aws_request_id: str = field(default_factory=lambda: f"request-{next(NUMBERS)}")
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"

    def get_remaining_time_in_millis(self):
        return 50_000


@dataclass
class Answer:
    status: int
    headers: dict
    text: str
    calls: list  # AWS calls that it took

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        return self.json["error"]


@cache
def routes():
    """Return `METHOD /path` → role for every route of the template; `$default` is the rest."""
    found = {}
    for resource in template()["Resources"].values():
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "HttpApi":
                method, path = (event["Properties"].get(key) for key in ("Method", "Path"))
                role = resource["Properties"]["CodeUri"].removeprefix("functions/")
                found[f"{method} {path}" if path else "$default"] = role
    return found


@cache
def recorded(role):
    """Return the text of a recorded event of this role; of `status` where none was recorded."""
    path = ROOT / "events" / f"{role}.json"
    return (path if path.exists() else ROOT / "events" / "status.json").read_text()


def forget_what_services_made():
    """Let the next cold start read the environment anew. (A new AWS session would cost 0.1 s.)"""
    every = vars(bootstrap) | vars(bootstrap_worker) | vars(bootstrap_webhooks)
    for name, made in every.items():
        if hasattr(made, "cache_clear") and name != "_session":
            made.cache_clear()


@cache
def cold_start(role, environment):
    """Import a function's module as Lambda does: once for all tests with this environment.

    Between two tests a function keeps what a warm one keeps between two requests. A test that wants
    a new one says so as Lambda does: `deploy(AWS_LAMBDA_LOG_STREAM_NAME=…)`.
    """
    path = ROOT / "functions" / role / "app.py"
    spec = importlib.util.spec_from_file_location(f"{role}_{next(NUMBERS)}", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment:
            patch.setenv(name, value)
        forget_what_services_made()
        spec.loader.exec_module(module)
        forget_what_services_made()
    return module.handler


class Client:
    """Sends requests to the functions of one deployment."""

    def __init__(self, services, **settings):
        self._calls = services.calls
        self._environment = tuple(sorted((services.environment | settings).items()))

    def invoke(self, role, event, context=None):
        handler = cold_start(role, self._environment)
        with PERMISSIONS.of(role):
            return handler(event, context or Context())

    def get(self, path, **request):
        return self.request("GET", path, **request)

    def post(self, path, **request):
        return self.request("POST", path, **request)

    def delete(self, path, **request):
        return self.request("DELETE", path, **request)

    def send(self, request, **more):
        """Send an `httpx.Request`: its encoder of forms, for one."""
        kept = {"content-type": request.headers.get("content-type", "")}
        more["headers"] = kept | more.get("headers", {})
        return self.request(request.method, request.url.path, body=request.read(), **more)

    def form(self, path="/v1/videos", data=None, files=None, **more):
        return self.send(
            httpx.Request("POST", f"https://api{path}", data=data, files=files), **more
        )

    def request(self, method, path, **request):
        route = route_of(method, path)
        event = event_of(method, path, route, **request)
        context, before = Context(), len(self._calls.made)
        raw = self.invoke(routes()[route], event, context)
        headers = {name.lower(): value for name, value in raw["headers"].items()}
        if packed := headers.pop("content-encoding", "") == "gzip" and method != "HEAD":
            raw["body"] = gzip.decompress(base64.b64decode(raw["body"])).decode()
        response = Answer(raw["statusCode"], headers, raw["body"], self._calls.made[before:])
        with PERMISSIONS.of(routes()[route]):
            PERMISSIONS.look_at(f"{raw['body']} {headers.get('location')}")
        assert headers["x-request-id"] == context.aws_request_id
        assert headers["x-content-type-options"] == "nosniff"
        picture = headers["content-type"] == "image/jpeg" and method != "HEAD"
        assert raw["isBase64Encoded"] is (picture or packed)
        return response


def route_of(method, path):
    """Return the route that API Gateway chooses: literal segments before `{task_id}`."""
    wanted = path.split("/")
    matching = [
        route
        for route in routes()
        if (parts := route.partition(" "))[0] == method
        and len(shape := parts[2].split("/")) == len(wanted)
        and all(
            part == segment or (part[:1] == "{" and segment)
            for part, segment in zip(shape, wanted, strict=True)
        )
    ]
    return min(matching, key=lambda route: route.count("{"), default="$default")


def event_of(
    method,
    path,
    route,
    *,
    headers=None,
    query=None,
    json=UNSAID,
    body=None,
    title_case=False,
    context=None,
    **overrides,
):
    """Return the event; `overrides` replace its keys, `context` those of its request context."""
    event = _base(routes()[route])
    merged = {"host": event["requestContext"]["domainName"], "user-agent": "python-requests/2.34.2"}
    if json is not UNSAID:
        merged["content-type"], body = "application/json", dumps(json)
    merged |= headers or {}
    event |= {
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {name.title() if title_case else name: value for name, value in merged.items()},
    }
    event["requestContext"] |= {"routeKey": route} | (context or {})
    event["requestContext"]["http"] |= {"method": method, "path": path}
    if query:
        event["queryStringParameters"] = query
    if "{" in route:
        parts = zip(route.partition(" ")[2].split("/"), path.split("/"), strict=True)
        event["pathParameters"] = {n[1:-1]: unquote(value) for n, value in parts if n[:1] == "{"}
    if body is not None:
        as_text = merged.get("content-type", "").lower().startswith(TEXT_TYPES)
        event["body"] = body if isinstance(body, str) else _encoded(body, as_text=as_text)
        event["isBase64Encoded"] = not isinstance(body, str) and not as_text
    return event | overrides


def _base(role):
    event = json.loads(recorded(role))
    for key in ("body", "pathParameters", "queryStringParameters"):
        event.pop(key, None)
    return event | {"isBase64Encoded": False}


def _encoded(body, *, as_text):
    return body.decode() if as_text else base64.b64encode(body).decode()
