"""What predictLongRunning is asked for, by Veo 3.1's rules; a refusal is a Refusal (400, 404)."""

from typing import Any, Final

from simulator.camera import motion_in, strength_in
from simulator.failures import Refusal
from simulator.google.json_body import image, known, part, refused
from simulator.google.labels import task_label
from simulator.google.models import ASPECT_RATIOS, SIZES, VEO, VEO_SECONDS, Veo
from simulator.orders import VEO_FPS, VERTEX, Order

MAX_IMAGE_BYTES: Final = 20 * 2**20
MAX_VIDEOS: Final = 4
MAX_REFERENCES: Final = 3
_DEFAULT_SECONDS: Final = 8
_UINT32: Final = range(2**32)
_CHOICES: Final = {
    "aspectRatio": ASPECT_RATIOS,
    "personGeneration": ("allow_adult", "dont_allow", "allow_all"),
    "compressionQuality": ("optimized", "lossless"),
    "resizeMode": ("pad", "crop"),
}
_BOOLEANS: Final = ("generateAudio", "enhancePrompt")
_STRINGS: Final = ("negativePrompt", "storageUri", "pubsubTopic")


def read(body: dict[str, Any], model: str, resource: str) -> Order:
    """Read a request; `resource` is the model's full name, for the text of a 404."""
    known(body, "instances", "parameters", "labels")
    veo = VEO.get(model)
    if veo is None:
        message = (
            f"Publisher model `{resource}` was not found or your project does not have access to "
            "it. Please ensure you are using a valid model version."
        )
        raise Refusal(404, "not_found", message)
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
        raise refused("Exactly one instance is required.")
    instance, parameters = instances[0], part(body, "parameters")
    prompt = instance.get("prompt", "")
    if not isinstance(prompt, str) or not (prompt or "image" in instance or "video" in instance):
        raise refused("The prompt must be a string; without an image or a video it is required.")
    still, fields = _pictures(instance, veo)
    _check_words(parameters)
    count = _integer(parameters, "sampleCount", 1, range(1, MAX_VIDEOS + 1))
    _integer(parameters, "seed", 0, _UINT32)
    _integer(parameters, "fps", VEO_FPS, range(VEO_FPS, VEO_FPS + 1))
    seconds = _seconds(parameters)
    resolution = _resolution(parameters, veo)
    full = "referenceImages" in instance or "video" in instance
    if seconds != _DEFAULT_SECONDS and (full or resolution != "720p"):
        feature = "reference images and videos" if full else resolution
        raise refused(f"Unsupported output video duration {seconds} seconds for {feature}: say 8.")
    audio = parameters.get("generateAudio", True)
    long, short = SIZES[resolution]
    upright = parameters.get("aspectRatio") == "9:16"
    label = task_label(body)
    return Order(
        model=model,
        prompt=prompt,
        width=short if upright else long,
        height=long if upright else short,
        seconds=seconds,
        fps=VEO_FPS,
        motion=motion_in(prompt),
        strength=strength_in(prompt),
        image=still,
        fields={name: str(value) for name, value in parameters.items()} | fields,
        provider=VERTEX,
        label=label,
        usd=round(veo.prices[resolution][0 if audio else 1] * seconds * count, 6),
    )


def _pictures(instance: dict[str, Any], veo: Veo) -> tuple[bytes | None, dict[str, str]]:
    """Return the bytes of the picture to show, if any, and what came by name."""
    references = instance.get("referenceImages", [])
    if not isinstance(references, list) or len(references) > MAX_REFERENCES:
        raise refused(f"At most {MAX_REFERENCES} reference images are supported.")
    _check_roles(instance, references, veo)
    found: dict[str, str] = {}
    first = _picture(instance, "image", found)
    _picture(instance, "lastFrame", found)
    for number, each in enumerate(references):
        if not isinstance(each, dict) or str(each.get("referenceType")).lower() != "asset":
            raise refused("referenceType: only asset is supported by this model.")
        first = _picture(each, "image", found, f"referenceImages[{number}].image") or first
    if "video" in instance:
        found["video"] = "a video to extend"
    return first, found


def _check_roles(instance: dict[str, Any], references: list[Any], veo: Veo) -> None:
    frames = {"image", "lastFrame"} & instance.keys()
    if frames == {"lastFrame"}:
        raise refused("lastFrame needs an image: interpolation has two frames.")
    if references and frames:
        raise refused("referenceImages cannot be combined with image or lastFrame.")
    if references and not veo.references:
        raise refused("This model does not support reference images.")
    if "video" in instance and (frames or references):
        raise refused("A video cannot be combined with images.")


def _picture(
    held: dict[str, Any], name: str, found: dict[str, str], label: str = ""
) -> bytes | None:
    """Return the bytes of a picture; None for one that lies in a bucket, or for none."""
    where = label or name
    if name not in held and not label:
        return None
    message = held.get(name)
    if not isinstance(message, dict):
        raise refused(f"{where} must be an object.")
    for field in message.keys() - {"bytesBase64Encoded", "gcsUri", "mimeType"}:
        raise refused(f"`{field}` isn't supported by this model.")
    if "gcsUri" in message:
        if not str(message["gcsUri"]).startswith("gs://"):
            raise refused(f"{where}.gcsUri must start with gs://.")
        found[where] = str(message["gcsUri"])
        return None
    encoded, mime_type = message.get("bytesBase64Encoded"), message.get("mimeType")
    data = image(encoded, mime_type, where, MAX_IMAGE_BYTES)
    found[where] = f"{mime_type} {len(data)} bytes"
    return data


def _check_words(parameters: dict[str, Any]) -> None:
    for name, choices in _CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise refused(f"Unsupported value for `{name}`; supported are {', '.join(choices)}.")
    for name, kind in [(n, bool) for n in _BOOLEANS] + [(n, str) for n in _STRINGS]:
        if name in parameters and not isinstance(parameters[name], kind):
            raise refused(f"The value type for `{name}` needs to be a {kind.__name__}.")
    if parameters.get("enhancePrompt") is False:
        raise refused("Veo 3 prompt enhancement cannot be disabled.")
    if not str(parameters.get("storageUri", "gs://")).startswith("gs://"):
        raise refused("storageUri must start with gs://.")


def _seconds(parameters: dict[str, Any]) -> int:
    value = parameters.get("durationSeconds", _DEFAULT_SECONDS)
    if type(value) not in {int, float}:
        raise refused("The value type for `durationSeconds` needs to be a number.")
    if value not in VEO_SECONDS:
        supported = ", ".join(map(str, VEO_SECONDS))
        message = f"Unsupported output video duration {value:g} seconds, supported durations are "
        raise refused(f"{message}[{supported}] for this feature.")
    return int(value)


def _resolution(parameters: dict[str, Any], veo: Veo) -> str:
    value = parameters.get("resolution", "720p")
    if value not in veo.prices:
        supported = ", ".join(veo.prices)
        raise refused(f"Unsupported resolution {value!r}; supported are {supported}.")
    return str(value)


def _integer(parameters: dict[str, Any], name: str, default: int, allowed: range) -> int:
    value = parameters.get(name, default)
    if type(value) is not int:
        raise refused(f"The value type for `{name}` needs to be an integer.")
    if value not in allowed:
        raise refused(f"`{name}` must be between {allowed[0]} and {allowed[-1]}.")
    return value
