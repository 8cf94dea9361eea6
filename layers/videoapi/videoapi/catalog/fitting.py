"""Whether a model can make what is asked for, and what it then makes.

What a model cannot do is refused before anything is paid, with the values that it can; nothing is
dropped. Only a length is always taken: where the model makes others, the next longer one is made,
or its longest.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from videoapi.catalog.routes import RELAY, Route
from videoapi.catalog.sizes import LINES, size_of
from videoapi.domain.tasks import GenerationRequest

if TYPE_CHECKING:
    from videoapi.catalog.models import Model

FIRST_FRAME, LAST_FRAME, REFERENCE = "first_frame", "last_frame", "reference"
_FIELDS = {FIRST_FRAME: "image", LAST_FRAME: "last_frame", REFERENCE: "reference_images"}
ROLES = {field: role for role, field in _FIELDS.items()}
_IN_WORDS = {FIRST_FRAME: "a first frame", LAST_FRAME: "a last frame", REFERENCE: "references"}
_TOLERANCE = 0.02  # of a shape: 854x480 is 16:9
_FULL_HD = "1080p"
VEO_LENGTHS = (4, 6, 8)  # seconds; what Veo 3 makes, and 1080p only at 8 (Gemini API docs)


class Demand(NamedTuple):
    """What a request asks for, as far as models differ in it. None: not said.

    `size_named` is False where the size is only the default; `roles` are those of all images.
    """

    seconds: int | None = None
    size: str = "1920x1080"
    size_named: bool = True
    roles: tuple[str, ...] = ()
    negative_prompt: bool = False
    seed: bool = False
    generate_audio: bool | None = None

    @classmethod
    def of(cls, request: GenerationRequest, roles: tuple[str, ...]) -> Self:
        """Return what a request with images of these roles asks for."""
        return cls(
            seconds=request.seconds,
            size=request.size,
            size_named=request.size_named,
            roles=roles,
            negative_prompt=request.negative_prompt is not None,
            seed=request.seed is not None,
            generate_audio=request.generate_audio,
        )


class Fit(NamedTuple):
    """What a model makes of a demand. `seconds` None: the model decides."""

    seconds: int | None
    size: str


class Unsupported(Exception):
    """A field asks for what no route of the model can do; `legal` are the values that can be."""

    def __init__(self, field: str, legal: Iterable[object], reason: str = "") -> None:
        """`field` is this service's own name of it: such as `size` or `last_frame`."""
        self.field = field
        self.legal = tuple(dict.fromkeys(str(value).lower() for value in legal))
        self.reason = reason
        super().__init__(self._words())

    def _words(self) -> str:
        can = f"it can be {', '.join(self.legal)}" if self.legal else "leave it out"
        return f"{self.reason or 'The model cannot do this'}: {can}"


def possible(routes: Sequence[Route], demand: Demand, *, strict: bool) -> tuple[Route, ...]:
    """Return the routes that can make what is asked for; raise `Unsupported` if there is none.

    Images that contradict each other are refused whatever the model. `strict` asks a relay too for
    the lengths of the table alone (VEO3_STRICT_LENGTHS).
    """
    _require_agreement(demand.roles)
    if not routes:
        raise Unsupported("model", (), "No route leads to this model")
    problems: list[Unsupported] = []
    able: list[Route] = []
    for route in routes:
        try:
            fit(route, demand, strict=strict)
        except Unsupported as problem:
            problems.append(problem)
        else:
            able.append(route)
    if not able:
        field = problems[0].field
        alike = [problem for problem in problems if problem.field == field]
        legal = [value for problem in alike for value in problem.legal]
        raise Unsupported(field, legal, alike[0].reason)
    return tuple(able)


def _require_agreement(roles: Sequence[str]) -> None:
    if LAST_FRAME in roles and FIRST_FRAME not in roles:
        raise Unsupported("last_frame", (), "A last frame needs a first one")
    if REFERENCE in roles and len(set(roles)) > 1:
        raise Unsupported("reference_images", (), "They cannot be combined with frames")


def fit(route: Route, demand: Demand, *, strict: bool) -> Fit:
    """Return what a route makes of a demand; raise `Unsupported`."""
    if route.provider == RELAY and not needs_table(demand, strict=strict):
        return Fit(seconds=demand.seconds, size=demand.size)
    from videoapi.catalog.models import find  # noqa: PLC0415 — the table; a plain request needs none

    model = find(route.provider, route.model)
    _require_images(model, demand)
    _require_switches(model, demand)
    if model is None or model.any_size:
        lengths = model.durations if model else VEO_LENGTHS
        return Fit(seconds=_relay_seconds(demand, lengths, strict=strict), size=demand.size)
    ratio = _aspect_ratio(model, demand.size)
    resolution = _resolution(model, demand.size)
    lengths = _lengths(model, demand)
    wanted = _next(lengths, demand.seconds or model.default_seconds)
    full_hd = model.full_hd_durations
    if resolution == _FULL_HD and full_hd and wanted not in full_hd:
        if demand.size_named:
            wanted = _next(full_hd, wanted)
        else:
            resolution = next(each for each in model.resolutions if each != _FULL_HD)
    return Fit(seconds=wanted, size=size_of(resolution, ratio))


def needs_table(demand: Demand, *, strict: bool) -> bool:
    """Return whether a relay's model must be looked up: not every model can make this."""
    plain = demand.roles in ((), (FIRST_FRAME,)) and demand.generate_audio is None
    return strict or demand.seed or demand.negative_prompt or not plain


def _require_images(model: "Model | None", demand: Demand) -> None:
    roles = model.image_roles if model else (FIRST_FRAME,)
    for role in demand.roles:
        if role not in roles:
            raise Unsupported(_FIELDS[role], (), f"The model takes {_list(roles)} only")
    references = demand.roles.count(REFERENCE)
    if model and references > model.max_reference_images:
        most = model.max_reference_images
        raise Unsupported("reference_images", (), f"The model takes at most {most} of them")


def _list(roles: Sequence[str]) -> str:
    return " and ".join(_IN_WORDS[role] for role in roles) or "no images"


def _require_switches(model: "Model | None", demand: Demand) -> None:
    if demand.negative_prompt and not (model and model.negative_prompt):
        raise Unsupported("negative_prompt", ())
    if demand.seed and not (model and model.seed):
        raise Unsupported("seed", ())
    audio = model.audio if model else "unknown"
    if demand.generate_audio is not None and audio == "unknown":
        raise Unsupported("generate_audio", ())
    if demand.generate_audio is False and audio == "always":
        raise Unsupported("generate_audio", (True,), "The model always makes sound")


def _sides(size: str) -> tuple[int, int]:
    width, height = size.split("x")
    return int(width), int(height)


def _aspect_ratio(model: "Model", size: str) -> str:
    width, height = _sides(size)
    for ratio in model.aspect_ratios:
        across, down = (int(part) for part in ratio.split(":"))
        if abs(width * down / (height * across) - 1) <= _TOLERANCE:
            return ratio
    raise Unsupported("size", model.sizes, "The model does not make this shape")


def _resolution(model: "Model", size: str) -> str:
    """Round a size down to what the model makes, or up to its smallest."""
    short = min(_sides(size))
    lines = sorted((LINES[each], each) for each in model.resolutions)
    return next((name for height, name in reversed(lines) if height <= short), lines[0][1])


def _lengths(model: "Model", demand: Demand) -> tuple[int, ...]:
    if REFERENCE in demand.roles and model.reference_durations:
        return model.reference_durations
    if LAST_FRAME in demand.roles and model.last_frame_durations:
        return model.last_frame_durations
    return model.durations


def _next(lengths: Sequence[int], seconds: int) -> int:
    return next((each for each in lengths if each >= seconds), lengths[-1])


def _relay_seconds(demand: Demand, lengths: Sequence[int], *, strict: bool) -> int | None:
    """Return the length for a relay: as asked for, or Veo's own, which at 1080p is its longest."""
    if demand.seconds is None or not strict:
        return demand.seconds
    full_hd = min(_sides(demand.size)) >= LINES[_FULL_HD]
    return lengths[-1] if full_hd else _next(lengths, demand.seconds)
