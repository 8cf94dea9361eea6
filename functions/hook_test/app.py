"""POST /api/v1/webhooks/test: a signed event to an address, and what came back."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap, bootstrap_webhooks
from videoapi.api import validation
from videoapi.api.json_bodies import read_json
from videoapi.api.replies import NO_STORE, json_response, rate_limit_headers
from videoapi.api.rest.webhook_requests import WebhookTest

api = bootstrap.api()
limiter = bootstrap.limiter()
trial = bootstrap_webhooks.trial()


@api.post("/api/v1/webhooks/test")
def send() -> Response[str]:
    """Send `video.test` while the caller waits, for 10 seconds at most."""
    fields = read_json(api.json_body())
    body = validation.validated(WebhookTest, fields, default_param="body")
    trial.check(body.url)
    now = api.clock()
    quota = limiter.admit_test(api.key, now)
    came = trial.send(body.url, api.caller, now=now)
    return json_response(came, extra=NO_STORE | rate_limit_headers(quota))


handler = api.handle
