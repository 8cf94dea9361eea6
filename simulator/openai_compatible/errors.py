"""The bodies of errors, in the shapes that relays give them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from simulator.failures import Failure, Refusal
from simulator.fault_words import Stage
from simulator.faults import Plan


def body(failure: Failure, plan: Plan | None = None) -> dict[str, Any]:
    """Return the body of an error, in the shape of the plan's `error` token."""
    code, message = failure.code, failure.message
    text = message if code is None else f"{code}: {message}"
    match plan.option(Stage.ERROR, "nested") if plan else "nested":
        case "flat":
            return {"code": code, "message": message}
        case "string":
            return {"error": text}
        case "null":
            return {"error": {"code": None, "message": text}}
        case "int":
            return {"error": {"code": failure.status, "message": text}}
        case "reason":
            return {"fail_reason": text}
    return {"error": {"code": code, "message": message, "type": "relay_error"}}


async def refuse(_request: Request, refusal: Exception) -> JSONResponse:
    """Answer a Refusal (the signature is Starlette's)."""
    if not isinstance(refusal, Refusal):
        raise TypeError from refusal
    response = body(refusal.failure)
    response["error"]["param"] = refusal.param
    return JSONResponse(response, refusal.failure.status)
