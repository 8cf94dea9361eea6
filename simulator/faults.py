"""The `[[tokens]]` of a prompt, the one field that travels from a caller to the provider.

    [[stage:what]]   [[stage:what=number]]   [[stage:what*count]]   [[stage:what*count@skip]]
    [[vertex.stage:what]]

Without `*count` a token holds always, with it for that many visits of its stage; `@skip` lets as
many visits pass first. The first token of a stage that holds for a visit decides it. Visits are
counted per task for `submit` (POSTs), `fail` (accepted jobs), `llm` and `image`, and per job for
`poll`, `content` and `file`. A task is `[[key:…]]`, or else its whole prompt. Anything else between
double brackets is refused with 400, so that no typo in a test passes: the API accepts the task all
the same, and it fails as `upstream_rejected`. A token that names a provider before its stage
(`relay`, `vertex` or `gemini`) is for it alone, and counts its visits alone.

HTTP faults, for the stages submit, poll, content, file, cancel, llm, image, sts and iam:

| what        | does                                                                               |
|-------------|------------------------------------------------------------------------------------|
| `400`-`599` | that status with a JSON error; `=7` adds `Retry-After: 7`                          |
| a failure   | its JSON error (see `failures.py`), usual status or `=status`                      |
| `html`      | an HTML page with status 502, or `=status` (`=200`: a page instead of the answer)  |
| `drop`      | the connection is closed before any answer                                         |
| `hang`      | no answer until the caller leaves, or the connection is closed after `=seconds`    |
| `slow=1.5`  | the right answer, that many seconds late                                           |

Stages with more words, and those that are options of the whole job:

| stage      | what                                                                                |
|------------|-------------------------------------------------------------------------------------|
| `submit`   | `201`, `202`: accepted so; `no_id`; `task_id`, `taskId`, `video_id`, `job_id`,      |
|            | `run_id`, `generation_id`, `request_id`: the id under that name; `colon`: an id     |
|            | with a `:`; `redirect`: 307, or `=status`, to the same path. `+created` after an    |
|            | HTTP fault (`504+created*1`): the answer is lost, but the job exists and is paid    |
|            | for. `lost_answer+created`: so says a proxy with 502, whose own upstream took it    |
| `poll`     | `twice`: the answer is written two times, one behind the other; `short`: half of it |
|            | and the connection is closed                                                        |
| `status`   | a status word, written so when its class is due; a bad one ends the job; may        |
|            | repeat. `upscaling` and `published` are words that no list knows                    |
| `word`     | the name of the status word: `status`, `state`, `task_status`                       |
| `progress` | `percent` ("45%"), `none` (no such key), `null`, `back` (falls at every second      |
|            | poll), `stuck` (1 until the end)                                                    |
| `wrap`     | `envelope`: polls as `{"code":"success","data":{…}}`, words in capitals, `task_id`  |
| `fail`     | a failure: the job ends so; `*1`: the first job of the task only                    |
| `error`    | shape of failures: `nested`, `flat`, `string`, code `null`, code `int`, `reason`    |
| `url`      | where the URL is, a path such as `video_url`, `metadata.url`, `output[0].url`,      |
|            | `data.result_urls[0]`; its last name says `url` or is `fail_reason`                 |
| `link`     | `none`; `same`: on the API's own origin; `redirect`: 302 to the file; `inline`: a   |
|            | `data:` URL, with `=20` one of 20 MB; `inward`: at the address of EC2's metadata;   |
|            | `key`: the file's, with the API key in its query                                    |
| `content`  | what `/content` answers: `bytes`, `gzip`, `redirect` (302), `json`. Any `content`   |
|            | token implies `[[link:none]]` unless there is a `link` or `url` token               |
| `file`     | `short`: half the announced bytes; `junk`: no MP4; `trickle=3`: in that many        |
|            | seconds; `no_range`: ignores Range; `no_length`: chunked                            |
| `time`     | seconds of generation, in place of the setting                                      |
| `key`      | the task's name in `/_control`                                                      |
| `render`   | `tiny`: 1 s of 64x36; `veo`: 8 s of 1280x720 at 24/s, whatever was asked            |
| `llm`      | `refusal`, `empty`, `long` (20,000 characters)                                      |
| `image`    | `url` (on the files port), `b64`, `empty`                                           |

The simulated Google knows the same stages, and these words:

| stage      | what                                                                                |
|------------|-------------------------------------------------------------------------------------|
| a failure  | `guidelines` (400), `quota`, `exhausted` (429), `prepayment` (402), `model_gone`    |
|            | (404), `permission`, `billing_disabled`, `service_disabled`,                        |
|            | `api_key_service_blocked` (403), `content_blocked` (400): in Google's words         |
| `submit`   | `no_id`: 200 without a `name` or `id`                                               |
| `fail`     | `3`, `7`, `8`, `13`, `14`: google.rpc's codes; `filtered`: a success without a      |
|            | video, unbilled, `=58061214` with that support code                                 |
| `error`    | `array`: errors as an array of one                                                  |
| `poll`     | `done_false`: an open operation says `done: false` and has metadata                 |
| `result`   | `flat`, `encoded`: other places of Veo's bytes; `none`: done without a video;       |
|            | `outputs`: an interaction in the older schema; `inputs`: completed, its inputs sent |
|            | back and no output, though the video exists and is billed                           |
| `status`   | `incomplete`, `budget_exceeded`, `requires_action`: how an interaction ends         |
| `link`     | `inline=100`: bytes within the JSON fill 100 MB                                     |
| `content`  | a file's metadata: `processing*2` for two reads, `processing=3` for three seconds,  |
|            | `broken`: FAILED                                                                    |
| `file`     | a download, of a bucket too; of a file `redirect`: 302 to the files port            |
| `cancel`   | HTTP faults                                                                         |
| `sts`      | HTTP faults and `invalid_grant` of the token services, `expires=5`: a token of five |
|            | seconds. No prompt gets there: say these by `auth_faults` (below)                   |
| `iam`      | the same of impersonation                                                           |
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
