"""The environment of a function as one frozen value; nothing else reads `os.environ`.

A dataclass and not a pydantic model: importing pydantic costs 349 M instructions at cold start,
and the status role needs none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

AMBIGUOUS_SUBMIT = ("fail", "retry")
STATUS_VOCABULARIES = ("auto", "openai", "document")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of the same name in capitals. Times are in seconds."""

    table_name: str = ""
    queue_url: str = ""
    bucket_name: str = ""
    public_url: str = ""
    allow_anonymous: bool = False

    veo3_api_key_secret: str = "video-api/veo3-api-key"  # noqa: S105 — a name, not a secret
    veo3_base_url: str = "https://api.kuai.host"
    veo3_endpoint: str = "/v1/videos"
    veo3_model: str = "veo_3_1"
    veo3_allowed_models: tuple[str, ...] = ()
    veo3_skip_upload: bool = True
    veo3_strict_lengths: bool = False
    veo3_extra_fields: bool = False
    veo3_ambiguous_submit: str = "fail"
    veo3_result_origins: tuple[str, ...] = ()

    video_generation_max_retries: int = 3
    video_generation_retry_delay: float = 5.0
    video_generation_retry_backoff: float = 2.0
    video_max_concurrent: int = 2
    video_task_timeout: int = 1800
    lease_seconds: int = 40

    task_retention_hours: int = 24
    file_retention_days: int = 2
    presigned_url_seconds: int = 3600
    openai_status_vocabulary: str = "auto"
    image_url_allow_private: bool = False

    enable_prompt_optimization: bool = False
    fast_llm_api_key_secret: str = ""
    fast_llm_api_url: str = ""
    fast_llm_model: str = ""

    image_api_key_secret: str = ""
    image_base_url: str = ""
    image_model: str = "gpt-image-1"
    image_allowed_models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a value that no code path means, by the name the operator knows."""
        _one_of("VEO3_AMBIGUOUS_SUBMIT", self.veo3_ambiguous_submit, AMBIGUOUS_SUBMIT)
        _one_of("OPENAI_STATUS_VOCABULARY", self.openai_status_vocabulary, STATUS_VOCABULARIES)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every field that is set; raise `ValueError` naming the variable that is wrong."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            name = field.name.upper()
            text = environment.get(name)
            if text is None or (text == "" and field.default != ""):
                continue
            try:
                values[field.name] = _parse(text.strip(), type(field.default))
            except ValueError as exc:
                message = f"{name}={text!r}: {exc}"
                raise ValueError(message) from None
        return cls(**values)


def _parse(text: str, kind: type) -> object:
    if kind is bool:
        return _boolean(text)
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return _whole(text) if kind is int else kind(text)


def _whole(text: str) -> int:
    """Read `40` and `40.0` alike: CloudFormation takes both for a Number, and hands on the text."""
    number = float(text)
    if not number.is_integer():
        message = "say a whole number"
        raise ValueError(message)
    return int(number)


def _boolean(text: str) -> bool:
    match text.lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    message = "say true or false"
    raise ValueError(message)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name}={value!r}: say one of {', '.join(allowed)}"
        raise ValueError(message)
