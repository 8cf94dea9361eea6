"""What an interaction is asked for, by Omni's rules; a refusal is a Refusal (400, 404)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from simulator.camera import motion_in, strength_in
from simulator.failures import Refusal
from simulator.google import models
from simulator.google.json_body import image, part, refused
from simulator.google.labels import task_label
from simulator.google.models import ASPECT_RATIOS, OMNI, SIZES, Omni, Tokens
from simulator.orders import GEMINI, VEO_FPS, Order

MAX_IMAGE_BYTES: Final = 20 * 2**20
TASKS: Final = (
    "text_to_video",
    "image_to_video",
    "reference_to_video",
    "edit",
    "extend",
    "upscale",
)
_DURATION: Final = re.compile(r"(\d{1,3})(?:\.0+)?s")
_DELIVERIES: Final = ("inline", "uri")


@dataclass(frozen=True, slots=True)
class Pictures:
    """What came beside the text."""

    images: tuple[bytes, ...]
    number: int
    """With those that came as a URI."""


def read(body: dict[str, Any], *, in_cloud: bool) -> Order:
    """Read a request; `in_cloud`: it came to Agent Platform, whose files lie in buckets."""
    model = body.get("model")
    omni = OMNI.get(str(model))
    if omni is None:
        raise Refusal(404, "not_found", f"models/{model} is not found for this API version.")
    if body.get("stream") or body.get("safety_settings"):
        raise refused("stream and safety_settings are not supported by this model.")
    if body.get("background") and body.get("store") is False:
        raise refused("background needs store.")
    contents = list(_contents(body.get("input")))
    prompt = " ".join(str(each["text"]) for each in contents if each.get("type") == "text")
    pictures = _pictures(contents)
    config = part(part(body, "generation_config"), "video_config")
    wanted = _format(body, config)
    resolution = _choice(wanted, "resolution", tuple(SIZES), "720p")
    seconds = _seconds(wanted, prompt, pictures.number, omni)
    fields = _fields(body, config, wanted, in_cloud=in_cloud) | {"resolution": resolution}
    tokens = Tokens(
        input=input_tokens(prompt, pictures.number),
        video=models.VIDEO_TOKENS[resolution] * seconds,
        thought=models.THOUGHT_TOKENS,
    )
    fields |= {
        "input_tokens": str(tokens.input),
        "video_tokens": str(tokens.video),
        "thought_tokens": str(tokens.thought),
        "images": str(pictures.number),
    }
    long, short = SIZES[resolution]
    upright = wanted.get("aspect_ratio") == "9:16"
    return Order(
        model=str(model),
        prompt=prompt,
        width=short if upright else long,
        height=long if upright else short,
        seconds=seconds,
        fps=VEO_FPS,
        motion=motion_in(prompt),
        strength=strength_in(prompt),
        image=pictures.images[0] if pictures.images else None,
        fields=fields,
        provider=GEMINI,
        label=task_label(body),
        usd=omni.micros(tokens) / 1_000_000,
    )


def input_tokens(prompt: str, images: int) -> int:
    """Return what a prompt and its images count."""
    return len(prompt) // models.CHARACTERS_A_TOKEN + images * models.IMAGE_TOKENS


def _contents(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of an input: a string, a part, parts, or steps with parts."""
    if isinstance(value, str):
        yield {"type": "text", "text": value}
    elif isinstance(value, list):
        for each in value:
            yield from _contents(each)
    elif isinstance(value, dict) and value.get("type") == "user_input":
        yield from _contents(value.get("content"))
    elif isinstance(value, dict):
        if value.get("type") not in {"text", "image", "video"}:
            raise refused(f"Unsupported content type {value.get('type')!r}.")
        yield value
    elif value is not None:
        raise refused("Invalid value at 'input'.")


def _pictures(contents: list[dict[str, Any]]) -> Pictures:
    images: list[bytes] = []
    number = 0
    for each in contents:
        if each["type"] != "image":
            continue
        number += 1
        if "data" in each:
            images.append(image(each["data"], each.get("mime_type"), "image", MAX_IMAGE_BYTES))
        elif not re.match(r"gs://|https?://[^/]+/v1(beta)?/files/", str(each.get("uri"))):
            raise refused("An image needs data, or the uri of a file of this API.")
    return Pictures(tuple(images), number)


def _format(body: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    wanted = body.get("response_format", {})
    if isinstance(wanted, list):
        wanted = wanted[0] if wanted else {}
    if not isinstance(wanted, dict) or wanted.get("type", "video") != "video":
        raise refused("response_format must be of the type video.")
    _choice(wanted, "aspect_ratio", ASPECT_RATIOS, "16:9")
    task = config.get("task")
    if task is not None and task not in TASKS:
        raise refused(f"Unsupported task {task!r}; supported are {', '.join(TASKS)}.")
    if task and body.get("previous_interaction_id"):
        raise refused("task cannot be combined with previous_interaction_id.")
    if task == "extend" and "aspect_ratio" in wanted:
        raise refused("aspect_ratio is not supported for extend.")
    return wanted


def _seconds(wanted: dict[str, Any], prompt: str, images: int, omni: Omni) -> int:
    """Return the length; `duration_seconds` of the configuration counts for nothing."""
    duration = wanted.get("duration", f"{models.OMNI_SECONDS}s")
    match = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if match is None:
        raise refused(f"Invalid value at 'response_format.duration': {duration!r}, such as \"8s\".")
    seconds, most = int(match[1]), omni.max_seconds
    if "<LAST_FRAME>" in prompt and images > 1:
        most = min(most, models.OMNI_MAX_SECONDS_BETWEEN_FRAMES)
    requested = f"Requested video duration {seconds}s 0ns"
    if seconds > most:
        raise refused(f"{requested} exceeds the maximum allowed {most}s 0ns")
    if seconds < models.OMNI_MIN_SECONDS:
        raise refused(f"{requested} is below the minimum allowed {models.OMNI_MIN_SECONDS}s 0ns")
    return seconds


def _fields(
    body: dict[str, Any], config: dict[str, Any], wanted: dict[str, Any], *, in_cloud: bool
) -> dict[str, str]:
    delivery = _choice(wanted, "delivery", _DELIVERIES, "inline")
    bucket = str(wanted.get("gcs_uri", ""))
    if delivery == "uri" and in_cloud and not bucket.startswith("gs://"):
        raise refused("gcs_uri is required for the delivery mode uri.")
    seed = part(body, "generation_config").get("seed")
    if seed is not None and type(seed) is not int:
        raise refused("Invalid value at 'generation_config.seed' (TYPE_INT32).")
    return {
        "delivery": delivery,
        "storageUri": bucket if delivery == "uri" else "",
        "duration": str(wanted.get("duration", "")),
        "aspect_ratio": str(wanted.get("aspect_ratio", "")),
        "task": str(config.get("task", "")),
        "seed": "" if seed is None else str(seed),
        "store": str(body.get("store", True)).lower(),
        "background": str(body.get("background", False)).lower(),
    }


def _choice(held: dict[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = held.get(name, default)
    if value not in choices:
        raise refused(f"Invalid value at '{name}': {value!r}; supported are {', '.join(choices)}.")
    return str(value)
