"""The environment of a function as one frozen value; only `bootstrap` reads `os.environ`.

A dataclass and not a pydantic model: importing pydantic costs 349 M instructions at cold start,
and the status role needs none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

from videoapi.catalog.routes import EXAMPLE, PROVIDERS, RELAY, Route, read_routes

AMBIGUOUS_SUBMIT = ("fail", "retry")
STATUS_VOCABULARIES = ("auto", "openai", "document")
MAX_PRICE_USD = 1000  # of a video; more is a mistake
MAX_BUDGET_USD = 1_000_000  # of a day; more is a mistake


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Values:
    """Each field is the environment variable of the same name in capitals. Times are in seconds."""

    table_name: str = ""
    queue_url: str = ""
    webhooks_queue_url: str = ""
    bucket_name: str = ""

    # --- Callers and links
    #: Base of absolute links: an origin without a path, for a custom domain, a proxy or a tunnel.
    public_url: str = ""
    #: Origins of web pages that may call the API, with commas, or `*`.
    cors_allow_origins: tuple[str, ...] = ()
    #: Whether callers without an API key are let in, all as one owner. `true` in `make run`.
    allow_anonymous: bool = False
    #: Whether `/` is the playground, a page to make videos on; `false` leads to `/docs` instead.
    playground: bool = True

    #: Dollars that may be committed on a UTC day, by all callers together; 0: no budget. A model
    #: without a known price is refused then.
    daily_budget_usd: float = 0.0

    # --- Providers and models
    #: The providers in use, with commas: `relay`, `vertex`, `gemini`.
    video_providers: tuple[str, ...] = ("relay",)
    #: Where each model is ordered, the first that can: `MODEL=PROVIDER:NAME[,…][;MODEL=…]`. Empty:
    #: at the relay, under its own name; without `relay` in `VIDEO_PROVIDERS` it may not be empty.
    video_routes: str = ""

    # --- The relay
    #: Name of the secret that holds the relay's key.
    veo3_api_key_secret: str = "video-api/veo3-api-key"  # noqa: S105 — a name, not a secret
    #: The relay, which is asked if there is a key; else the simulator is.
    veo3_base_url: str = "https://api.kuai.host"
    #: The relay's path of videos.
    veo3_endpoint: str = "/v1/videos"
    #: The model when a caller names none: one of `VIDEO_ROUTES`, where that is set.
    veo3_model: str = "veo_3_1"
    #: The models that callers may name, with commas. Empty: any.
    veo3_allowed_models: tuple[str, ...] = ()
    #: `true` hands out the relay's own URL; `false` copies to S3 and presigns at every read.
    veo3_skip_upload: bool = True
    #: `true` asks for Veo's own lengths: 4, 6 and 8 s, and 8 s for 1080p.
    veo3_strict_lengths: bool = False
    #: Whether the raw camera fields are sent too. Only the simulator understands them.
    veo3_extra_fields: bool = False
    #: What follows when the relay's answer was lost: `fail`, or `retry`, which may pay twice.
    #: An order to Google is never repeated.
    veo3_ambiguous_submit: str = "fail"
    #: What the relay takes for a video, in dollars; 0: unknown. Google's prices are in a table.
    video_price_usd: float = 0.0
    #: Further origins, private ones too, at which results may lie, with commas.
    veo3_result_origins: tuple[str, ...] = ()

    # --- Google
    #: The project that Veo on the Agent Platform is billed to (`vertex`).
    google_project: str = ""
    #: Its location; Veo 3.1 is in `us-central1` alone.
    google_location: str = "us-central1"
    #: What trusts the worker's AWS role, without any key:
    #: `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    google_workload_identity_provider: str = ""
    #: Email of a service account that this identity acts as. Empty: it acts for itself.
    google_service_account: str = ""
    #: Name of the secret that holds a service account's JSON key, in place of such an identity.
    google_credentials_secret: str = ""
    #: Name of the secret that holds the key of the Gemini API (`gemini`).
    gemini_api_key_secret: str = ""
    #: The Agent Platform. Empty: Google's own address of the location.
    vertex_base_url: str = ""
    #: The Gemini API.
    gemini_base_url: str = "https://generativelanguage.googleapis.com"
    #: Google's token service, with its path.
    google_sts_url: str = "https://sts.googleapis.com/v1/token"
    #: Google's impersonation of service accounts.
    google_iam_url: str = "https://iamcredentials.googleapis.com"
    #: Cloud Storage, where Veo may have put a video.
    google_storage_url: str = "https://storage.googleapis.com"

    # --- Retries and concurrency
    #: Further attempts after orders that were not accepted.
    video_generation_max_retries: int = 3
    #: Seconds before the first further attempt.
    video_generation_retry_delay: float = 5.0
    #: Factor between two delays.
    video_generation_retry_backoff: float = 2.0
    #: Generations at the same time.
    video_max_concurrent: int = 2
    #: Seconds that a job may take, from the relay's acceptance to its video.
    video_task_timeout: int = 1800
    #: Seconds after which a silent worker is replaced.
    lease_seconds: int = 40

    # --- Tasks and files
    #: Hours for which an ended task can be read.
    task_retention_hours: int = 24
    #: Days for which a copied video is kept; a task that can be read longer says `video_expired`
    #: then.
    file_retention_days: int = 2
    #: Life of a presigned URL in seconds, at most 43200.
    presigned_url_seconds: int = 3600
    #: Status words of `/v1`: `auto` (by the creator of the task), `openai` or `document`.
    openai_status_vocabulary: str = "auto"
    #: Whether image URLs may lead to private addresses. For local work only.
    image_url_allow_private: bool = False

    # --- Webhooks
    #: The secret (`whsec_…`) that signs webhooks of callers without an API key; `make run` makes
    #: one. Deployed: the name of a secret that holds it; empty: one in the table.
    webhook_secret: str = ""
    #: Whether webhooks may go by http, and to private addresses. `true` in `make run`; for local
    #: work only.
    webhook_allow_private: bool = False
    #: Whether an event holds the prompt.
    webhook_include_prompt: bool = False

    # --- Prompt optimisation
    #: Whether `optimize_prompt` is served.
    enable_prompt_optimization: bool = False
    #: Name of the secret that holds the key of the chat endpoint.
    fast_llm_api_key_secret: str = ""
    #: Base URL of the OpenAI-compatible chat endpoint behind `optimize_prompt`.
    fast_llm_api_url: str = ""
    #: Its model.
    fast_llm_model: str = ""

    # --- Input images
    #: Name of the secret that holds the key of the images endpoint.
    image_api_key_secret: str = ""
    #: Base URL of the endpoint behind `/api/v1/images/generate`.
    image_base_url: str = ""
    #: The image model when a caller names none.
    image_model: str = "gpt-image-1"
    #: The image models that callers may name besides `IMAGE_MODEL`, with commas. Empty: any.
    image_allowed_models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a value that no code path means, by the name the operator knows."""
        _require_sense(self)

    @cached_property
    def routes(self) -> Mapping[str, tuple[Route, ...]]:
        """The routes of each model that callers may name; empty where VIDEO_ROUTES is."""
        return read_routes(self.video_routes, self.video_providers)


class Settings(Values):
    """The fields of `Values` as they are read, and what follows from them."""

    @property
    def relay_price_micros(self) -> int:
        """What the relay takes for a video, in micro-dollars; 0: unknown."""
        return round(self.video_price_usd * 1_000_000)

    @property
    def daily_budget_micros(self) -> int | None:
        """What may be committed on a day, in micro-dollars; None: anything."""
        return round(self.daily_budget_usd * 1_000_000) or None

    @property
    def retention_seconds(self) -> int:
        """How long an ended task can be read."""
        return self.task_retention_hours * 3600

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
                raise ValueError(f"{name}={text!r}: {exc}") from None
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
        raise ValueError("say a whole number")
    return int(number)


def _boolean(text: str) -> bool:
    match text.lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError("say true or false")


def _one_of(name: str, value: str, allowed: tuple[str, ...], advice: str = "") -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: say one of {', '.join(allowed)}{advice}")


def _require_sense(settings: Values) -> None:
    _one_of("VEO3_AMBIGUOUS_SUBMIT", settings.veo3_ambiguous_submit, AMBIGUOUS_SUBMIT)
    _one_of("OPENAI_STATUS_VOCABULARY", settings.openai_status_vocabulary, STATUS_VOCABULARIES)
    _dollars("VIDEO_PRICE_USD", settings.video_price_usd, MAX_PRICE_USD)
    _dollars("DAILY_BUDGET_USD", settings.daily_budget_usd, MAX_BUDGET_USD)
    for provider in settings.video_providers:
        _one_of("VIDEO_PROVIDERS", provider, PROVIDERS, "; several with commas: relay,vertex")
    _require_route(settings)


def _dollars(name: str, value: float, most: int) -> None:
    if not 0 <= value <= most:
        raise ValueError(f"{name}={value}: say dollars, 0 to {most}")


def _require_route(settings: Values) -> None:
    """Refuse settings by which the model of a caller who names none is ordered nowhere."""
    if settings.routes:
        _one_of("VEO3_MODEL", settings.veo3_model, tuple(settings.routes))
    elif RELAY not in settings.video_providers:
        message = "VIDEO_PROVIDERS has no relay, so VIDEO_ROUTES must say where models are ordered"
        raise ValueError(f"{message}, for example {EXAMPLE}")
