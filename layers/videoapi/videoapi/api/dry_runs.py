"""`dry_run=true`: what a submit would order and cost. Nothing is written, sent or counted."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from videoapi.api.aliases import folded
from videoapi.api.replies import NO_STORE, json_response
from videoapi.domain.money import dollars
from videoapi.errors import ValidationError
from videoapi.usecases.submission import Preview

NAME = "dry_run"
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def answered(
    query: Mapping[str, str], model: str, preview: Callable[[], Preview]
) -> Response[str] | None:
    """Return the answer to a dry run; None for a submit that is none."""
    return json_response(described(model, preview()), extra=NO_STORE) if asked(query) else None


def asked(query: Mapping[str, str]) -> bool:
    """Return whether the query asks for a dry run.

    Raise `ValidationError` for a word that may mean it, or a name: a typo must not cost money.
    """
    wrong = next((name for name in query if folded(name) == "dryrun" and name != NAME), None)
    if wrong is not None:
        raise ValidationError.field(wrong, f"say {NAME}", code="unknown_parameter")
    if NAME not in query:
        return False
    value = _WORDS.get(query[NAME].strip().lower())
    if value is None:
        raise ValidationError.field(NAME, "say true or false")
    return value


def described(model: str, preview: Preview) -> dict[str, Any]:
    """Return the body; `seconds` are null where the model decides."""
    return {
        "dry_run": True,
        "model": model,
        "provider": preview.route.provider,
        "upstream_model": preview.route.model,
        "seconds": preview.made.seconds,
        "size": preview.made.size,
        "cost": {"currency": "USD", "estimated": dollars(preview.quote.estimated)},
    }
