"""The document's schemas: pydantic's own, and what the request models' validators add to them.

A validator written in Python is invisible to pydantic's schema. Here each says its rule again as
far as JSON Schema can; a test compares the two verdicts on many values.
"""

from typing import Any, override

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from tools.openapi import mcp_models, models, money_models, openai_models, webhook_models
from tools.openapi.answers import UPLOAD_PATTERN
from tools.openapi.examples import IMAGE, TINY_PNG, UPLOAD, WEBHOOK
from tools.openapi.notes import IMAGE_NOTES, NOTES, OTHER_NAMES, UPLOAD_NOTES, WEBHOOK_NOTES
from tools.openapi.parts import ref
from videoapi.api.fields import DEFAULT_FPS, DEFAULT_SIZE, MAX_REFERENCES, MAX_WEBHOOK_LENGTH
from videoapi.api.openai.requests import CreateVideo
from videoapi.api.rest.image_requests import GenerateImage, NewUpload
from videoapi.api.rest.requests import GenerateVideo
from videoapi.api.rest.webhook_requests import WebhookTest

type Schema = dict[str, Any]

REQUESTS = (
    GenerateVideo,
    CreateVideo,
    GenerateImage,
    NewUpload,
    WebhookTest,
    mcp_models.McpMessage,
)
ANSWERS = (
    *models.ANSWERS,
    *money_models.ANSWERS,
    *openai_models.ANSWERS,
    *mcp_models.ANSWERS,
    *webhook_models.ANSWERS,
)

# Even, 64 to 1080 and 64 to 1920.
_SHORT = "(?:6[468]|[78][02468]|9[02468]|[1-9][0-9][02468]|10[0-7][02468]|1080)"
_LONG = "(?:6[468]|[78][02468]|9[02468]|[1-9][0-9][02468]|1[0-8][0-9][02468]|19[01][02468]|1920)"

# The last digits of ten, up to 4294967295.
_MAX_SEED = (
    "4(?:[01][0-9]{8}|2(?:[0-8][0-9]{7}|9(?:[0-3][0-9]{6}|4(?:[0-8][0-9]{5}|9(?:[0-5][0-9]{4}"
    "|6(?:[0-6][0-9]{3}|7(?:[01][0-9]{2}|2(?:[0-8][0-9]|9[0-5]))))))))"
)


FILE: Schema = {
    "description": "A JPEG, PNG or WebP file; its bytes tell, not the part's type or file name.",
    "type": "string",
    "minLength": 1,
    "contentMediaType": "application/octet-stream",
}
NAMED: dict[str, Schema] = {
    "FrameSize": {
        "description": "Width x height in pixels: both even, at least 64, at most 1920x1080 or "
        "1080x1920.",
        "type": "string",
        "pattern": f"^(?:{_LONG}x{_SHORT}|{_SHORT}x{_LONG})$",
        "examples": ["1920x1080", "1280x720", "720x1280"],
    },
    "ImageUrl": {
        "description": "http or https, at most 4,096 characters, on a public host. JPEG, PNG or "
        "WebP of at most 20 MB, fetched when the task is worked on.",
        "type": "string",
        "format": "uri",
        "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\]+$",
        "examples": [IMAGE],
    },
    "ImageBase64": {
        "description": "The base64 of a JPEG, PNG or WebP file, alone or as a data URL. A request "
        "has room for about 4.4 MB of binary; upload a larger image or send its URL.",
        "type": "string",
        "contentEncoding": "base64",
        "pattern": r"^\s*(?:[Dd][Aa][Tt][Aa]:[^,]{0,256};[Bb][Aa][Ss][Ee]64,\s*)?"
        r"(?:[/_]9j[/_]|iVBORw0KGg[o-r]|UklGR[g-v])[A-Za-z0-9+/_\s=-]+$",
        "examples": [TINY_PNG],
    },
    "ImageUpload": {
        "description": "The `reference` of an upload of yours, from `POST /api/v1/uploads`.",
        "type": "string",
        "pattern": UPLOAD_PATTERN,
        "examples": [UPLOAD],
    },
    "WebhookUrl": {
        "description": "https, at most 2,048 characters, on a public host, without a fragment.",
        "type": "string",
        "format": "uri",
        "maxLength": MAX_WEBHOOK_LENGTH,
        "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\#]+$",
        "examples": [WEBHOOK],
    },
    "Resolution": {"anyOf": [ref("FrameSize"), {"type": "string", "enum": ["720p", "1080p"]}]},
    "Image": {"anyOf": [ref("ImageUrl"), ref("ImageBase64"), ref("ImageUpload")]},
}
# What the OpenAI dialect takes as text where JSON has a type of its own: forms have only text.
TEXTS: dict[str, Schema] = {
    "seconds": {"type": "string", "pattern": "^(?:0{0,3}[1-9]|0{0,2}10)$"},
    "fps": {"type": "string", "pattern": "^0{0,2}(?:2[4-9]|[345][0-9]|60)$"},
    "motion_strength": {
        "type": "string",
        "pattern": r"^(?:0{0,12}[01]|0{0,4}\.[0-9]{1,9}|0{0,3}1\.0{1,9})$",
    },
    "optimize_prompt": {"type": "string", "enum": ["true", "false"]},
    "generate_audio": {"type": "string", "enum": ["true", "false"]},
    "seed": {"type": "string", "pattern": f"^(?:[0-9]{{1,9}}|[0-3][0-9]{{9}}|{_MAX_SEED})$"},
    "metadata": {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": ref("Metadata"),
    },
}
_FURTHER = ("last_frame", "reference_images", "frame_images")
_BLANK = {"type": "string", "pattern": r"^\s*$"}
DEFAULTS = {"fps": DEFAULT_FPS, "size": DEFAULT_SIZE, "motion_strength": 0.5}


def schemas() -> dict[str, Schema]:
    """Return every schema of the document by its name."""
    made = _pydantic()
    made |= NAMED | {"Metadata": _plain(made["GenerateVideo"]["properties"]["metadata"])}
    _complete(made["GenerateVideo"], image="image")
    _complete(made["CreateVideo"], image="input_reference")
    made["GenerateVideo"]["properties"]["resolution"]["default"] = DEFAULT_SIZE
    _take_text(made["CreateVideo"])
    made["GenerateVideo"]["anyOf"] = [_required("image"), _required("reference_images")]
    made["CreateVideoForm"] = _form(made["CreateVideo"])
    made["ImageReference"]["properties"]["image_url"] = ref("Image")
    made["UrlObject"]["properties"]["url"] = ref("Image")
    made["FrameImage"]["properties"]["image_url"] = {"anyOf": [ref("Image"), ref("UrlObject")]}
    _note(made["GenerateImage"], IMAGE_NOTES)
    _note(made["NewUpload"], UPLOAD_NOTES)
    made["WebhookTest"]["properties"]["url"] = ref("WebhookUrl")
    _note(made["WebhookTest"], WEBHOOK_NOTES)
    return {name: _shortened(made[name]) for name in sorted(made)}


class Quiet(GenerateJsonSchema):
    """Without a title that repeats the property's name, and without defaults that say nothing."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    @override
    def default_schema(self, schema: Any) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default") in (None, [], {}):
            made.pop("default", None)
        return made


def _pydantic() -> dict[str, Schema]:
    _, made = models_json_schema(
        [(model, "validation") for model in (*REQUESTS, *ANSWERS)],
        ref_template="#/components/schemas/{model}",
        schema_generator=Quiet,
    )
    definitions: dict[str, Schema] = made["$defs"]
    return definitions


def _complete(schema: Schema, *, image: str) -> None:
    fields = schema["properties"]
    for name in (image, "last_frame"):
        fields[name] = {"anyOf": [ref("Image"), {"type": "null"}]}
    fields["reference_images"]["anyOf"][0]["items"] = ref("Image")
    fields["resolution"]["anyOf"][0] = ref("Resolution")
    if "size" in fields:
        fields["size"]["anyOf"][0] = ref("FrameSize")
    fields["metadata"]["anyOf"][0] = ref("Metadata")
    for name in {"webhook_url", "callback_url"} & fields.keys():
        fields[name]["anyOf"][0] = ref("WebhookUrl")
    for name, default in DEFAULTS.items():
        if name in fields:
            fields[name]["default"] = default
    _note(schema, NOTES)


def _take_text(schema: Schema) -> None:
    """Add what only the OpenAI dialect takes: numbers as text, an image as object, or none."""
    fields = schema["properties"]
    for name, text in TEXTS.items():
        fields[name]["anyOf"].insert(1, text)
    for name in ("input_reference", "last_frame"):
        fields[name]["anyOf"].insert(1, ref("ImageReference"))
    fields["reference_images"]["anyOf"][0]["items"] = {
        "anyOf": [ref("Image"), ref("ImageReference")]
    }
    # A prompt or an image.
    schema["anyOf"] = [_required(name) for name in ("prompt", "input_reference", *_FURTHER)]
    schema["description"] = OTHER_NAMES


def _required(name: str, *, but_not: str = "") -> Schema:
    something: Schema = {"type": ["string", "object", "array"], "minLength": 1}
    if name == "prompt":  # blanks are no prompt
        something = {"type": "string", "pattern": r"\S"}
    properties: Schema = {name: something} | ({but_not: False} if but_not else {})
    return {"required": [name], "properties": properties}


def _form(openai: Schema) -> Schema:
    """Return the same fields as text, and the image as a file too. A blank field is absent."""
    texts = [ref("ImageUrl"), ref("ImageBase64"), ref("ImageUpload")]
    spelt_out = "input_reference[image_url]"
    fields = {
        name: {"description": NOTES[name], "anyOf": [TEXTS.get(name) or _plain(field), _BLANK]}
        for name, field in openai["properties"].items()
    }
    for name in ("input_reference", "last_frame"):
        fields[name]["anyOf"] = [FILE, *texts, _BLANK]
    several: Schema = {"type": "array", "items": {"anyOf": [FILE, *texts]}}
    several |= {"minItems": 1, "maxItems": MAX_REFERENCES}
    fields["reference_images"]["anyOf"] = [FILE, *texts, several, _BLANK]
    fields["frame_images"]["anyOf"] = [
        {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": _plain(openai["properties"]["frame_images"]),
        },
        _BLANK,
    ]
    fields[spelt_out] = {
        "description": "The same as text, as the official SDKs spell an object.",
        "anyOf": [*texts, _BLANK],
    }
    return {
        "title": "CreateVideoForm",
        "description": openai["description"],
        "type": "object",
        "properties": fields,
        "patternProperties": {
            r"^metadata\[.*\]$": {"type": "string", "maxLength": 512},
            r"^metadata\[(?:.{65,})?\]$": _BLANK,
        },
        "additionalProperties": False,
        "dependentSchemas": {"metadata": {"patternProperties": {r"^metadata\[.*\]$": _BLANK}}},
        # A prompt or an image, and the image once.
        "anyOf": [
            _required("prompt", but_not=spelt_out),
            _required("input_reference", but_not=spelt_out),
            _required(spelt_out, but_not="input_reference"),
            *(_required(name, but_not=spelt_out) for name in _FURTHER),
        ],
    }


def _plain(field: Schema) -> Schema:
    """Return the part of an optional field's schema that is not null."""
    return dict(field["anyOf"][0])


def _note(schema: Schema, notes: dict[str, str]) -> None:
    """Put a note in front of every property. A `KeyError` says that one is missing."""
    fields = schema["properties"]
    schema["properties"] = {
        name: {"description": notes[name], **field} for name, field in fields.items()
    }


def _shortened(schema: Any) -> Any:
    """Say `type: [string, null]` for a choice between a type and null."""
    if isinstance(schema, list):
        return [_shortened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    match schema:
        case {"anyOf": [{"type": str(kind)} as some, {"type": "null"}], **rest}:
            nullable = {**rest, **some, "type": [kind, "null"]}
            if "enum" in some:
                nullable["enum"] = [*some["enum"], None]
            return _shortened(nullable)
    return {name: _shortened(each) for name, each in schema.items()}
