"""Routes: from which providers, in which order, a model may be had.

`VIDEO_ROUTES` holds them as `MODEL=PROVIDER:NAME[,PROVIDER:NAME…][;MODEL=…]`. Without any, every
model goes to the relay under its own name.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

RELAY = "relay"
PROVIDERS = (RELAY, "vertex", "gemini")
MAX_ROUTES = 8  # of one model: each may be tried once in a round of attempts
EXAMPLE = "veo_3_1=vertex:veo-3.1-generate-001"  # of VIDEO_ROUTES
_NAME = re.compile(r"[A-Za-z0-9._:/-]+")  # of a model, as the template's parameters allow it


class Route(NamedTuple):
    """A provider, and its own name of a model."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


def read_routes(text: str, providers: Collection[str]) -> Mapping[str, tuple[Route, ...]]:
    """Return the routes of each model that `VIDEO_ROUTES` names, in the order given.

    Raise `ValueError` in words for what cannot be read, a provider that is not among `providers`,
    and a model or a route that is named twice.
    """
    routes: dict[str, tuple[Route, ...]] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        model, sign, targets = (part.strip() for part in entry.partition("="))
        if not (model and sign and targets):
            form = "MODEL=PROVIDER:NAME[,PROVIDER:NAME]"
            raise ValueError(f"VIDEO_ROUTES: {entry!r}: say {form}, for example {EXAMPLE}")
        _require_name(model)
        if model in routes:
            raise ValueError(f"VIDEO_ROUTES: {model} is named twice")
        routes[model] = tuple(_route(target.strip(), providers) for target in targets.split(","))
        if len(set(routes[model])) < len(routes[model]):
            raise ValueError(f"VIDEO_ROUTES: {model} has a route twice")
        if len(routes[model]) > MAX_ROUTES:
            raise ValueError(f"VIDEO_ROUTES: {model} has more than {MAX_ROUTES} routes")
    return routes


def routes_of(routes: Mapping[str, tuple[Route, ...]], model: str) -> tuple[Route, ...]:
    """Return a model's routes, none for one that VIDEO_ROUTES does not name.

    Without any routes every model goes to the relay, under its own name.
    """
    return routes.get(model, ()) if routes else (Route(RELAY, model),)


def _route(target: str, providers: Collection[str]) -> Route:
    provider, sign, name = (part.strip() for part in target.partition(":"))
    if not (provider and sign and name):
        example = EXAMPLE.partition("=")[2]
        raise ValueError(f"VIDEO_ROUTES: {target!r}: say PROVIDER:NAME, for example {example}")
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise ValueError(f"VIDEO_ROUTES: there is no provider {provider!r}; there are {known}")
    if provider not in providers:
        raise ValueError(
            f"VIDEO_ROUTES: {target} needs {provider} among VIDEO_PROVIDERS ({','.join(providers)})"
        )
    _require_name(name)
    return Route(provider, name)


def _require_name(model: str) -> None:
    if not _NAME.fullmatch(model):
        raise ValueError(
            f"VIDEO_ROUTES: {model!r}: a model has letters, digits and . _ : / - alone"
        )
