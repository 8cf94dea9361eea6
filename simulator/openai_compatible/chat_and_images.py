"""The other two APIs that the project may be pointed at: chat completions and image generation."""

import base64
import io
import re
import secrets
import time
from json import JSONDecodeError
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import faults, stills
from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.wire import Wire

POLISH = "Cinematic lighting, natural motion, fine detail."
REFUSAL = "I'm sorry, but I can't help with that."
_LONG_COMPLETION = 20_000
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")


class ChatAndImages(Wire):
    """An OpenAI-style language model and image model, both deterministic."""

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        return [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/images/generations", self.image, methods=["POST"]),
        ]

    async def chat(self, request: Request) -> Response:
        """Improve the prompt in the last user message, its tokens kept."""
        self._state.ledger.calls["llm_calls"] += 1
        body = await self._body(request)
        prompt = _last_user_message(body)
        plan = faults.parse(prompt)
        fault = self._state.ledger.count_visit(Stage.LLM, plan)
        if bad := await self._http_faults.response(fault, plan, request):
            return bad
        text = _completion(prompt, fault)
        message = {"role": "assistant", "content": text, "refusal": None}
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4}
        return JSONResponse(
            {
                "id": f"chatcmpl-{secrets.token_hex(12)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body.get("model"),
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": usage | {"total_tokens": sum(usage.values())},
            }
        )

    async def image(self, request: Request) -> Response:
        """Draw the prompt as a PNG of the asked size."""
        self._state.ledger.calls["image_calls"] += 1
        body = await self._body(request)
        prompt = body.get("prompt")
        size = _SIZE.fullmatch(str(body.get("size", "1024x1024")))
        if not isinstance(prompt, str) or not prompt or size is None:
            raise Refusal(400, "invalid_request", "prompt and size (WIDTHxHEIGHT) are required")
        plan = faults.parse(prompt)
        fault = self._state.ledger.count_visit(Stage.IMAGE, plan)
        if bad := await self._http_faults.response(fault, plan, request):
            return bad
        words = faults.without_tokens(prompt)
        png = await run_in_threadpool(_png, words, int(size[1]), int(size[2]))
        data = self._picture(png, fault, request, str(body.get("response_format", "b64_json")))
        return JSONResponse({"created": int(time.time()), "data": data})

    def _picture(
        self, png: bytes, fault: Fault | None, request: Request, wanted: str
    ) -> list[dict[str, str]]:
        what = fault.what if fault else wanted
        if what == "empty":
            return []
        if what == "url":
            name = secrets.token_hex(12)
            (self._state.folder / f"{name}.png").write_bytes(png)
            return [{"url": f"{self._state.files_origin(request)}/i/{name}.png"}]
        return [{"b64_json": base64.b64encode(png).decode()}]

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except (JSONDecodeError, UnicodeDecodeError) as exc:
            raise Refusal(400, "invalid_request", "the body must be JSON") from exc
        self._state.check_key(request)
        if not isinstance(body, dict) or not body.get("model"):
            raise Refusal(400, "invalid_request", "model is required", "model")
        return body


def _last_user_message(body: dict[str, Any]) -> str:
    """Return the text of the last user message: a string, or the text parts of a list."""
    try:
        content = [m["content"] for m in body["messages"] if m["role"] == "user"][-1]
        parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
        return " ".join(parts)
    except (AttributeError, KeyError, IndexError, TypeError) as exc:
        raise Refusal(400, "invalid_request", "a user message is required", "messages") from exc


def _completion(prompt: str, fault: Fault | None) -> str:
    match fault.what if fault else "":
        case "refusal":
            return REFUSAL
        case "empty":
            return ""
        case "long":
            return "very " * (_LONG_COMPLETION // 5)
    improved = f"{faults.without_tokens(prompt).rstrip('. ')}. {POLISH}"
    return " ".join([improved, *faults.tokens(prompt)])


def _png(words: str, width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    stills.draw(words, width, height).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
