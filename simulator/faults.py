"""The `[[tokens]]` of a prompt, the one field that travels from a caller to the provider.

    [[stage:what]]   [[stage:what=number]]   [[stage:what*count]]   [[stage:what*count@skip]]
    [[vertex.stage:what]]

docs/simulator.md says what each means. Anything else between double brackets is refused with 400,
so that no typo in a test passes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from simulator.failures import Refusal, failure
from simulator.fault_words import (
    HTTP,
    HTTP_STAGES,
    NEEDS_NUMBER,
    NUMBERED,
    PATTERNS,
    PROVIDERS,
    WORDS,
    Stage,
)

_TOKEN = re.compile(r"\[\[(.*?)\]\](?!\])")  # a path may end with a bracket
_BODY = re.compile(
    r"((?P<provider>[a-z]+)\.)?(?P<stage>[a-z]+):(?P<what>[^=*@+]+)(=(?P<number>\d+(\.\d+)?))?(?P<created>\+created)?"
    r"(\*(?P<count>\d+))?(@(?P<skip>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One token."""

    provider: str | None
    """The only provider that it is meant for; None: any."""
    stage: Stage
    what: str
    number: float | None
    created: bool
    count: int | None
    skip: int

    def holds(self, visit: int) -> bool:
        """Return whether it decides this visit of its stage, counted from 0."""
        return self.skip <= visit and (self.count is None or visit < self.skip + self.count)


@dataclass(frozen=True, slots=True)
class Plan:
    """All tokens of one prompt that one provider heeds."""

    faults: tuple[Fault, ...]
    key: str
    provider: str

    def at(self, stage: Stage, visit: int) -> Fault | None:
        """Return what decides this visit of the stage, counted from 0."""
        return next((fault for fault in self.of(stage) if fault.holds(visit)), None)

    def of(self, stage: Stage) -> Iterator[Fault]:
        """Return the tokens of a stage, as they stand in the prompt."""
        return (fault for fault in self.faults if fault.stage is stage)

    def option(self, stage: Stage, default: str) -> str:
        """Return what an option of the whole job says."""
        return next((fault.what for fault in self.of(stage)), default)

    def word(self, words: frozenset[str]) -> str | None:
        """Return the status word of this class that was asked for, as it was written."""
        return next((f.what for f in self.of(Stage.STATUS) if f.what.lower() in words), None)


def parse(prompt: str, provider: str = "relay") -> Plan:
    """Read what a provider heeds of a prompt's tokens; raises Refusal (400) for an unknown one."""
    if "[[" in (rest := _TOKEN.sub("", prompt)) or "]]" in rest:
        raise _unknown(rest)
    faults = [_read(token) for token in _TOKEN.findall(prompt)]
    named = next((fault.what for fault in faults if fault.stage is Stage.KEY), None)
    heeded = tuple(fault for fault in faults if fault.provider in {None, provider})
    return Plan(heeded, named or sha256(prompt.encode()).hexdigest()[:12], provider)


def without_tokens(prompt: str) -> str:
    """Return the words that are meant for the model."""
    return " ".join(_TOKEN.sub(" ", prompt).split())


def tokens(prompt: str) -> list[str]:
    """Return the tokens as they are written, brackets included."""
    return [f"[[{token}]]" for token in _TOKEN.findall(prompt)]


def _read(token: str) -> Fault:
    match = _BODY.fullmatch(token)
    if match is None or match["stage"] not in set(Stage) or match["provider"] not in PROVIDERS:
        raise _unknown(token)
    fault = Fault(
        provider=match["provider"],
        stage=Stage(match["stage"]),
        what=match["what"],
        number=None if match["number"] is None else float(match["number"]),
        created=match["created"] is not None,
        count=None if match["count"] is None else int(match["count"]),
        skip=int(match["skip"] or 0),
    )
    if not (_is_known(fault) and _may_be_numbered(fault) and _may_be_counted(fault)):
        raise _unknown(token)
    return fault


def _is_known(fault: Fault) -> bool:
    stage, what = fault.stage, fault.what
    if stage in PATTERNS:
        return PATTERNS[stage].fullmatch(what) is not None
    word = what.lower() if stage is Stage.STATUS else what
    return word in WORDS.get(stage, ()) or _names_a_failure(fault)


def _names_a_failure(fault: Fault) -> bool:
    return fault.stage in HTTP_STAGES | {Stage.FAIL} and failure(fault.what) is not None


def _may_be_numbered(fault: Fault) -> bool:
    if fault.number is None:
        return fault.what not in NEEDS_NUMBER
    if fault.what in NUMBERED:
        return True
    return fault.stage is not Stage.FAIL and _names_a_failure(fault)


def _may_be_counted(fault: Fault) -> bool:
    if fault.created:
        return fault.stage is Stage.SUBMIT and (fault.what in HTTP or _names_a_failure(fault))
    if fault.count is None and not fault.skip:
        return True
    return fault.stage in HTTP_STAGES | {Stage.FAIL}


def _unknown(token: str) -> Refusal:
    return Refusal(400, "unknown_token", f"not in the grammar of the simulator: {token}", "prompt")
