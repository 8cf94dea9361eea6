"""Better words for a prompt, from any OpenAI-compatible chat endpoint. Never in the way.

Whatever goes wrong (no answer within 15 s, an empty, refusing, cut or over-long one) the caller's
own prompt is used. The instruction follows Google's Veo prompt guide.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from aws_lambda_powertools import Logger

from videoapi.errors import ServiceError
from videoapi.net.http_client import FAILURES, post_json
from videoapi.providers.json_access import UnreadableJson, as_dict, first_of, parsed

MAX_SECONDS = 15.0
MAX_ANSWER = 2**20  # bytes; 150 words are some thousand
MAX_WORDS = 150
INSTRUCTION = f"""\
Rewrite the user's text into one prompt for the Veo video model. Answer with the prompt alone.
- Begin with the camera: shot, angle and movement. Keep what the user says of the camera.
- {{focus}}
- Keep quoted dialogue word for word, in quotation marks, with who says it.
- Say what is there. No negatives ("no", "without", "don't").
- Keep the user's language, subject and intent. Add no people, brands or text.
- Keep everything in double square brackets as it is.
- At most {MAX_WORDS} words, one paragraph, no headings."""
FROM_IMAGE = "The first frame is given as an image: describe motion and change, not what it shows."
FROM_TEXT = "Then subject, action, setting, style, light and sound, in this order."
REFUSAL = re.compile(
    r"^\W*(?:(?:sorry|unfortunately|as an ai|i can(?:no|['\u2019])t"
    r"|i(?:['\u2019]?m| am) (?:sorry|unable|not able))\b"
    r"|(?:非常|很)?抱歉|对不起|我(?:无法|不能)|作为(?:一[个款名])?(?:AI|人工智能))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PromptOptimizer:
    """One chat endpoint. `api_url` may be the base (`…/v1`) or the whole `…/chat/completions`."""

    transport: httpx.BaseTransport
    api_url: str
    model: str
    key: Callable[[], str]  # goes to this URL alone
    log: Logger

    def optimize(self, prompt: str, *, has_image: bool) -> str | None:
        """Return better words, or None when the caller's own are to be used."""
        instruction = INSTRUCTION.format(focus=FROM_IMAGE if has_image else FROM_TEXT)
        try:
            response = post_json(
                self.transport,
                f"{self.api_url.rstrip('/').removesuffix('/chat/completions')}/chat/completions",
                {
                    "model": self.model,
                    "messages": [
                        {"role": "system", "content": instruction},
                        {"role": "user", "content": prompt},
                    ],
                    "max_tokens": 4 * MAX_WORDS,
                    "temperature": 0.3,
                },
                key=self.key(),
                seconds=MAX_SECONDS,
                limit=MAX_ANSWER,
            )
        except (*FAILURES, ServiceError) as exc:
            self.log.warning("the prompt was not optimized", reason=type(exc).__name__)
            return None
        words = _usable(_words(response))
        if words is None:
            self.log.warning("the prompt was not optimized", status=response.status_code)
        return words


def _words(response: httpx.Response) -> object:
    """Return what the endpoint says, whatever it is; None where it says nothing."""
    if not response.is_success:
        return None
    try:
        choice = first_of(parsed(response.content).get("choices"))
    except UnreadableJson:
        return None
    cut = choice.get("finish_reason") == "length"  # half a prompt
    return None if cut else as_dict(choice.get("message")).get("content")


def _usable(words: object) -> str | None:
    if not isinstance(words, str):
        return None
    words = words.rpartition("</think>")[2]  # what a reasoning model says to itself comes before
    words = " ".join(words.strip().strip("`").split())
    if (
        not words
        or words.startswith("<think")
        or REFUSAL.search(words)
        or len(words.split()) > MAX_WORDS
    ):
        return None
    return words
