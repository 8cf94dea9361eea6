"""An order: what one video is made of, the key under which it is paid once, and how it is said."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from videoapi_cli import images
from videoapi_cli.client import Api
from videoapi_cli.errors import ApiError, UsageError

REST, OPENAI, TASKS = "/api/v1/videos/generate", "/v1/videos", "/api/v1/tasks/"
KEY_VERSION = 1  # of `Order.keyed`: another one would order, and pay, everything anew
MAX_KEY = 40  # hexadecimal digits
IMAGES = ("image", "last_frame", "reference_images")
# Without an image the request is one of the OpenAI dialect, which has another word for a field.
OPENAI_NAMES = {"duration": "seconds"}
# What decides about the price.
PRICED = ("duration", "resolution", "aspect_ratio", "fps", "generate_audio", "model")
ALIASES = {
    "seconds": "duration",
    "size": "resolution",
    "audio": "generate_audio",
    "webhook": "webhook_url",
    "image_url": "image",
    "reference_image": "reference_images",
}


def _flag(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words[text.strip().lower()]


def _several(text: str) -> list[str]:
    return [each.strip() for each in text.split(";") if each.strip()]


# How a field is read from text; every other one is text itself.
READ: dict[str, Callable[[str], Any]] = {
    "duration": int,
    "fps": int,
    "seed": int,
    "motion_strength": float,
    "optimize_prompt": _flag,
    "generate_audio": _flag,
    "reference_images": _several,
    "metadata": json.loads,
}
FIELDS = (
    *("image", "prompt", "last_frame", "negative_prompt", "camera_motion", "webhook_url"),
    *("resolution", "aspect_ratio", "model", *READ),
)
_WORDS = {int: "a whole number", float: "a number", _flag: "true or false", json.loads: "JSON"}


def value_of(name: str, raw: object) -> Any:
    """Return a field's value as the API takes it, read from text where it is one.

    Raises `UsageError`.
    """
    value = _read(name, raw)
    try:
        if name not in IMAGES:  # whose files' names are not sent
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as exc:
        raise UsageError(f"{name} holds what cannot be sent: {raw!r}.") from exc
    return value


def _read(name: str, value: object) -> Any:
    if name not in READ or not isinstance(value, str):
        return str(value) if name not in READ and isinstance(value, int | float) else value
    try:
        return READ[name](value)
    except (ValueError, KeyError) as exc:
        raise UsageError(f"{name} should be {_WORDS[READ[name]]}, not {value!r}.") from exc


@dataclass(frozen=True, kw_only=True)
class Order:
    """One video that is wanted.

    `fields` are the API's, in the REST dialect's names, images as paths or URLs; `name` is what its
    file is called, without an ending; `where` tells the user which one it is.
    """

    fields: dict[str, Any]
    name: str
    where: str = ""
    key: str = ""  # the Idempotency-Key
    problem: str = ""  # why it cannot be ordered
    task_id: str = ""  # of one that is ordered already

    @property
    def called(self) -> str:
        """Return what a user knows it by."""
        return self.where or self.name

    def keyed(self, batch: str, number: int) -> "Order":
        """Return it with the key of its content: the `number`-th such order of a batch.

        Raises `CliError` where an image cannot be read.
        """
        fields = {
            name: (images.identity(what) if type(what) is str else list(map(images.identity, what)))
            if name in IMAGES
            else what
            for name, what in self.fields.items()
        }
        text = json.dumps([KEY_VERSION, batch, fields, number], sort_keys=True, ensure_ascii=False)
        return replace(self, key=hashlib.sha256(text.encode()).hexdigest()[:MAX_KEY])

    def again(self, number: int) -> "Order":
        """Return the order that follows `number` failed ones."""
        return replace(self, key=f"{self.key}-{number}") if number else self

    @property
    def price_group(self) -> str:
        """Return the same text for orders that cost the same."""
        fields = {name: self.fields.get(name) for name in PRICED}
        shape = [name for name in IMAGES if name in self.fields]
        return json.dumps([fields, shape], sort_keys=True)

    @property
    def bare(self) -> "Order":
        """Return what costs the same, without anything else that could be refused."""
        fields = {name: what for name, what in self.fields.items() if name in (*PRICED, *IMAGES)}
        fields |= {name: what[:1] for name, what in fields.items() if type(what) is list}
        return replace(self, fields=fields | {"prompt": "A video"})

    def body(self, image: Callable[[list[str]], list[str]]) -> tuple[str, dict[str, Any]]:
        """Return the route and its body; `image` turns images into what is sent of them."""
        named = [name for name in IMAGES if name in self.fields]
        lists = [what if isinstance(what := self.fields[name], list) else [what] for name in named]
        sent = iter(image([each for several in lists for each in several]))
        body = dict(self.fields)
        for name, several in zip(named, lists, strict=True):
            values = [next(sent) for _ in several]
            body[name] = values if isinstance(self.fields[name], list) else values[0]
        if "image" in body or "reference_images" in body:
            return REST, body
        return OPENAI, {OPENAI_NAMES.get(name, name): what for name, what in body.items()}


def price(order: Order, api: Api) -> dict[str, Any]:
    """Ask what an order would cost, and what would make it; nothing is sent of its images.

    Only for an API that knows `dry_run`: another one would take it for an order.
    """
    path, body = order.body(lambda several: [images.PIXEL] * len(several))
    return api.submit(path, body, dry_run="true")[0]


def submit(order: Order, api: Api) -> tuple[str, bool]:
    """Order the video; return its task's id, and whether an earlier run had ordered it."""
    try:
        with api.gate:
            path, body = order.body(lambda several: images.sent(several, api))
            accepted, replayed = api.submit(path, body, order.key)
    except ApiError as exc:
        # The key is made of the content: another upload's reference is all that differs.
        if exc.code == "idempotency_key_reused" and exc.location.startswith(TASKS):
            return exc.location.removeprefix(TASKS), True
        raise
    return str(accepted.get("task_id") or accepted["id"]), replayed
