"""CloudFormation's `Ref`, `Fn::If` and conditions, for the few properties that are put right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What `!Ref AWS::NoValue` becomes.
ABSENT: Final = object()


@dataclass(frozen=True)
class Intrinsics:
    """Resolves values of a template for one set of parameters."""

    #: Parameters, and physical ids of resources where there are some.
    references: Mapping[str, Any]
    conditions: Mapping[str, Any]

    def resolve(self, value: Any) -> Any:
        """Resolve `value` throughout; raise `KeyError` for a function that is not known here."""
        match value:
            case {"Ref": "AWS::NoValue"}:
                found = ABSENT
            case {"Ref": str(name)}:
                found = self.references[name]
            case {"Fn::If": [str(name), then, otherwise]}:
                found = self.resolve(then if self.holds({"Condition": name}) else otherwise)
            case {"Fn::Split": [str(separator), text]}:
                found = self.resolve(text).split(separator)
            case dict():
                found = self._resolve_members(value)
            case list():
                found = [item for item in map(self.resolve, value) if item is not ABSENT]
            case _:
                found = value
        return found

    def _resolve_members(self, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name.startswith("Fn::"):
                raise KeyError(name)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not ABSENT}

    def holds(self, condition: Any) -> bool:
        """Decide a condition; raise `KeyError` for one that is not known here."""
        match condition:
            case {"Condition": str(name)}:
                return self.holds(self.conditions[name])
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::And": [*parts]}:
                return all(map(self.holds, parts))
            case {"Fn::Or": [*parts]}:
                return any(map(self.holds, parts))
            case {"Fn::Equals": [left, right]}:
                return str(self.resolve(left)) == str(self.resolve(right))
            case {"Fn::Contains": [[*values], value]}:  # of rules alone
                return self.resolve(value) in values
        raise KeyError(condition)
