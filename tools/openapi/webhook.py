"""The POST that a task's webhook gets, for the `webhooks` of the document (OpenAPI 3.1)."""

from typing import Any

from tools.openapi import examples
from tools.openapi.parts import JSON, OPENAI, ref

type Json = Any

SIGNED = {
    "webhook-id": "The event's id, the same at each try.",
    "webhook-timestamp": "Of this try, in seconds since 1970; refuse what is minutes old.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; two of "
    "them, with a blank between, for a day after the secret was replaced.",
}


def ended() -> Json:
    """Return the operation."""
    return {
        "tags": [OPENAI],
        "operationId": "videoEnded",
        "summary": "A task has ended",
        "description": "Sent to the `webhook_url` of a task, or of its key, at least once, and "
        "signed as Standard Webhooks has it: `standardwebhooks` and `client.webhooks.unwrap` of "
        "OpenAI's SDKs verify it. Sent again, for 31 hours, until the answer is 2xx, or 410.",
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for name, words in SIGNED.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": ref("VideoEvent"),
                    "examples": {"completed": {"value": examples.event()}},
                }
            },
        },
        "responses": {
            "2XX": {"description": "It is taken, within 10 seconds. The body is not looked at."},
            "410": {"description": "The receiver wants no more of this task."},
        },
    }
