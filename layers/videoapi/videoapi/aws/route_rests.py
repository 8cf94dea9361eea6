"""Routes at rest: those whose credentials or model were refused, for all workers at once.

One item of the task table holds them, an attribute a route: until when it rests (epoch seconds).
"""

from dataclasses import dataclass

from videoapi.aws.expressions import encode
from videoapi.aws.table import ConditionFailed, Table, Write

KEY = "routes-at-rest"
REST_SECONDS = 60


@dataclass(frozen=True)
class RouteRests:
    """Reads and writes that item. Each method is one DynamoDB call; raises `ServiceError`."""

    table: Table

    def read(self) -> dict[str, int]:
        """Return until when each route rests, or rested."""
        found = self.table.read(KEY) or {}
        return {name: until for name, until in found.items() if name != "task_id"}

    def rest(self, route: str, *, now: float) -> None:
        """Let a route rest for a minute from now on."""
        self._update(route, "SET", int(now) + REST_SECONDS)

    def probe(self, route: str, seen: int, *, now: float) -> bool:
        """Claim the one look that a rested route is allowed; False where another worker has it."""
        try:
            self._update(route, "SET", int(now) + REST_SECONDS, seen=seen)
        except ConditionFailed:
            return False
        return True

    def wake(self, route: str) -> None:
        """Forget that a route rested: it takes orders again."""
        self._update(route, "REMOVE")

    def _update(
        self, route: str, verb: str, until: int | None = None, *, seen: int | None = None
    ) -> None:
        names = {"#route": route}
        values = {":until": until, ":seen": seen}
        body = {
            "Key": encode({"task_id": KEY}),
            "UpdateExpression": f"{verb} #route" + ("" if until is None else " = :until"),
            "ExpressionAttributeNames": names,
        }
        if seen is not None:
            body["ConditionExpression"] = "#route = :seen"
        if until is not None:
            body["ExpressionAttributeValues"] = encode(values)
        self.table.transact(Write("route", "Update", body))
