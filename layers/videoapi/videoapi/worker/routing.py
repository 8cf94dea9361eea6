"""Which provider gets a task's next order, and whom a job that was accepted is asked of.

A task goes along the routes of its model that can make what it asks for, the first that does not
rest. Only a certain refusal of the provider's own making moves it on, and only before a job was
accepted: a failed job's next attempt stays on its route.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.aws.route_rests import RouteRests
from videoapi.catalog.fitting import Demand, Unsupported, possible
from videoapi.catalog.routes import RELAY, Route, routes_of
from videoapi.domain.tasks import Task
from videoapi.errors import GenerationError, ServiceError
from videoapi.metrics import Metrics
from videoapi.providers.errors import SubmitRefused
from videoapi.providers.provider import VideoProvider
from videoapi.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Chooses routes; `provider` makes a provider by name, at an address or at the settings' own.

    `clock` gives epoch seconds. Rests are only kept where VIDEO_ROUTES is set.
    """

    settings: Settings
    rests: RouteRests
    provider: Callable[[str, str | None], VideoProvider]
    clock: Callable[[], float]
    log: Logger
    metrics: Metrics

    def provider_of(self, task: Task) -> VideoProvider:
        """Return the provider that a task's last order went to, whatever the settings say now."""
        return self.provider(task.provider or RELAY, task.upstream_url)

    def choose(self, task: Task) -> tuple[Route, bool]:
        """Return the route of a task's next order, and whether it has rested.

        A task that names its route keeps to it: a job failed there, its answer was lost there, or
        the route before refused. Where all routes rest the first is asked again. Raise
        `GenerationError` if no route can make what is asked for.
        """
        routes = self._possible(task)
        if len(routes) == 1:
            return routes[0], False
        rests = self._rests()
        named = next((route for route in routes if str(route) == task.route), None)
        chosen = named or next((r for r in routes if self._may_post(r, rests)), routes[0])
        return chosen, str(chosen) in rests

    def after(self, task: Task, refused: Route) -> Route | None:
        """Return the next route of this round, which does not rest; None after the last."""
        routes = self._possible(task)
        later = routes[routes.index(refused) + 1 :]
        rests = self._rests() if later else {}
        return next((route for route in later if self._may_post(route, rests)), None)

    def another(self, task: Task, refused: Route) -> bool:
        """Return whether another route than the one that refused may be asked in the next round."""
        others = [route for route in self._possible(task) if route != refused]
        now, rests = self.clock(), self._rests() if others else {}
        return any(rests.get(str(route), 0) <= now for route in others)

    def refused(self, route: Route, refusal: SubmitRefused, detail: str) -> None:
        """Let a route rest whose credentials or model were refused, loudly."""
        if not self.settings.video_routes or not refusal.route_refused:
            return
        self.log.error(
            "a route rests: it refused our credentials or its model",
            route=str(route),
            status=refusal.upstream_status,
            detail=detail,
        )
        self.metrics.route_refused()
        try:
            self.rests.rest(str(route), now=self.clock())
        except ServiceError as exc:  # the next order is refused in its turn
            self.log.warning("that a route rests could not be written down", reason=_reason(exc))

    def took_order(self, route: Route) -> None:
        """Note that a route which has rested takes orders again."""
        try:
            self.rests.wake(str(route))
        except ServiceError as exc:  # its rest ends by itself
            message = "that a route takes orders again could not be written down"
            self.log.warning(message, reason=_reason(exc))

    def _possible(self, task: Task) -> tuple[Route, ...]:
        routes = routes_of(self.settings.routes, task.request.model)
        strict = self.settings.veo3_strict_lengths
        if not routes:
            message = f"VIDEO_ROUTES has no model {task.request.model} any more."
            raise GenerationError(message, code="unsupported_value")
        try:
            return possible(routes, Demand.of(task.request, task.image_roles), strict=strict)
        except Unsupported as problem:  # the routes are others than when the task was accepted
            message = f"No route of the model can make this any more: {problem.field}"
            raise GenerationError(message, code="unsupported_value") from problem

    def _rests(self) -> Mapping[str, int]:
        try:
            return self.rests.read()
        except ServiceError:
            return {}

    def _may_post(self, route: Route, rests: Mapping[str, int]) -> bool:
        """Return whether a route takes orders; after its rest one worker tries it."""
        until, now = rests.get(str(route)), self.clock()
        if until is None or until > now:
            return until is None
        try:
            return self.rests.probe(str(route), until, now=now)
        except ServiceError:
            return False


def _reason(error: ServiceError) -> str:
    """Return why, in AWS's own words where there are any."""
    return " ".join(getattr(error, "__notes__", [error.message]))
