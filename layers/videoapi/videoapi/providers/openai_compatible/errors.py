"""Read the error in an answer: flat, nested, in the envelope, as a sentence, or a page."""

import re
from collections.abc import Iterator
from typing import Any, Final

from videoapi.providers.classification import Cause, ErrorInfo, classify
from videoapi.providers.errors import JobFailed
from videoapi.providers.json_access import UnreadableJson, as_dict, as_text, object_in, parsed

_MAX_TEXT: Final = 2000  # characters of a sentence that are looked at
_MAX_CODE: Final = 200  # characters of a code

_CODE_KEYS: Final = (
    "code",
    "error_code",
    "errorCode",
    "type",
    "status",
    "reason_code",
    "failure_code",
    "failureCode",
)
_TEXT_KEYS: Final = (
    "message",
    "msg",
    "fail_reason",
    "failure_reason",
    "failReason",
    "failure",
    "fail_msg",
    "failMsg",
    "raw_message",
    "task_status_msg",
    "status_msg",
    "status_message",
    "error_message",
    "errorMessage",
    "error_msg",
    "reason",
    "detail",
)
_SUCCESS: Final = (
    "success succeed succeeded successful successfully completed complete done finished ok true"
    " none null 0 200 201 202 成功 请求成功 操作成功"
)
_NOTHING: Final = frozenset({"", *_SUCCESS.split()})
# A code in a sentence: `HIGH_TRAFFIC` anywhere, `INTERNAL: …` or `429: …` at its start, or alone.
_QUOTED_CODE: Final = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\A(?:[A-Z]{3,}|[45][0-9]{2})(?=\s*(?::|\Z))"
    r"|\A[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)+\Z",
    re.ASCII,  # a code may stand right behind a Chinese word
)
# `type` and `status` of a whole answer are the job's, not the error's.
_NOT_OF_THE_ERROR: Final = frozenset({"type", "status"})
_ERROR_KEYS: Final = ("error", "errors", "detail", "base_resp")
_INNER_KEYS: Final = ("data", "output", "result", "metadata")  # may quote the upstream's own answer


def error_in_json(response: dict[str, Any]) -> ErrorInfo:
    """Collect what an answer says is wrong: flat, nested, in the envelope, or as a bare string.

    Where it says nothing there, an error one level further in counts.
    """
    found = _collected(_errors(response))
    return found if found.codes or found.text else _collected(_inner_errors(response))


def _collected(errors: Iterator[dict[str, Any] | str]) -> ErrorInfo:
    codes: list[str] = []
    texts: list[str] = []
    for error in errors:
        if isinstance(error, str):
            texts.append(error)
        else:
            codes += [as_text(error.get(key))[:_MAX_CODE].strip() for key in _CODE_KEYS]
            texts += [error[key] for key in _TEXT_KEYS if isinstance(error.get(key), str)]
    return _opened(_error_info(codes, texts))


def _opened(error_info: ErrorInfo) -> ErrorInfo:
    """Read the JSON that a sentence quotes, as new-api quotes its upstream's whole answer."""
    before, brace, quoted = error_info.text.partition("{")
    try:
        quoted_info = error_in_json(parsed(f"{brace}{quoted}".encode("utf-8", "replace")))
    except UnreadableJson:
        return error_info
    if not (quoted_info.codes or quoted_info.text):
        return error_info
    codes = dict.fromkeys((*quoted_info.codes, *error_info.codes))
    return ErrorInfo(tuple(codes), f"{before}{quoted_info.text}".strip())


def has_error(part: dict[str, Any]) -> bool:
    """Return whether a job says by a field of its own that something is wrong with it."""
    own = {key: part.get(key) for key in ("error", "fail_reason", "failure_reason", "failReason")}
    error_info = error_in_json(own)
    return bool(error_info.codes or error_info.text)


def _error_info(codes: list[str], texts: list[str]) -> ErrorInfo:
    texts = [text[:_MAX_TEXT].strip() for text in texts]
    codes = codes + [code for text in texts for code in _QUOTED_CODE.findall(text)]
    meaningful = (code for code in codes if not _says_nothing(code))
    sentences = (text for text in texts if not _says_nothing(text))
    return ErrorInfo(tuple(dict.fromkeys(meaningful)), "; ".join(dict.fromkeys(sentences)))


def _says_nothing(text: str) -> bool:
    return text.casefold().strip().rstrip(".!。") in _NOTHING


def _errors(response: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    for part in _parts(response):
        yield from _named_errors(part)
        yield {key: value for key, value in part.items() if key not in _NOT_OF_THE_ERROR}


def _inner_errors(response: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    for part in _parts(response):
        for key in _INNER_KEYS:
            yield from _named_errors(object_in(part.get(key)))


def _parts(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return object_in(response.get("data")), as_dict(response.get("output")), response


def _named_errors(part: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    for key in _ERROR_KEYS:
        error = part.get(key)
        nested = as_dict(error).get("error")  # what stands behind the relay, quoted
        yield from (e for e in (_first(nested), _first(error)) if e)


def _first(error: object) -> dict[str, Any] | str:
    error = error[0] if isinstance(error, list) and error else error
    return error if isinstance(error, str) else as_dict(error)


def error_in_text(body: bytes | bytearray) -> ErrorInfo:
    """Like `error_in_json`, of a body that is no JSON. A page of HTML says nothing."""
    text = _beginning(body)
    return _error_info([], [] if text.startswith("<") else [text])


def is_page(body: bytes | bytearray) -> bool:
    """Return whether a body is HTML, or XML."""
    return _beginning(body).startswith("<")


def _beginning(body: bytes | bytearray) -> str:
    return bytes(body[:_MAX_TEXT]).decode("utf-8", "replace").strip("\ufeff \t\r\n")


def says_missing(error_info: ErrorInfo) -> bool:
    """Return whether the relay says that it knows no such job (by code, with 400 or even 200)."""
    return "task_not_exist" in _all_words(error_info)


def says_not_ready(error_info: ErrorInfo) -> bool:
    """Return whether the relay says that a video is still being made."""
    return bool(_NOT_READY.search(_all_words(error_info)))


def says_expired(error_info: ErrorInfo) -> bool:
    """Return whether the relay says that it had the video, and has deleted it."""
    return bool(_EXPIRED.search(_all_words(error_info)))


def says_nothing_is_there(error_info: ErrorInfo) -> bool:
    """Return whether an error in a video's place is only that there is none, or holds no words.

    A number, or the name of a kind of errors (`new_api_error`), are no words.
    """
    wordy = (c for c in error_info.codes if c[:1].isalpha() and not c.endswith(("error", "Error")))
    words = _all_words(ErrorInfo(tuple(wordy), error_info.text))
    return not words.strip("_") or bool(_NOTHING_THERE.search(words))


_THING: Final = (
    "(?:video|content|file|output|result|media|data|url|link|task|job|asset|object|key|generation)"
)
_NOTHING_THERE: Final = re.compile(
    rf"not_(?:be_)?(?:found|exist)|(?:not|n't)_(?:exist|contain|have_an?y?_{_THING})"
    rf"|(?<![a-z])no_(?:[a-z]+_)?{_THING}s?(?![a-z])|without_(?:an?_)?{_THING}"
    rf"|{_THING}s?_(?:(?:is|was|are|has|been)_)*(?:missing|empty|null|none|gone|deleted|removed)"
    rf"|(?:missing|empty)(?:_{_THING}|\Z)|nothing_|(?:empty|null)_(?:response|reply|body)"
    "|generat[a-z]*_(?:has_)?fail|fail(?:ed)?_to_generate|unknown_(?:error|reason|id)"
    "|(?<!un)(?<!not_)success|filter|safety"
    "|(?:\\A|[^0-9])(?:404|410)(?![0-9])|(?:\\A|_)gone\\Z"
    "|不存在|为空|没有(?:视频|内容|结果|文件|找到|任务|数据)"
    "|未找到|找不到|无(?:视频|内容|结果)|已删除|生成失败"
)
_EXPIRED: Final = re.compile("expire|no_longer_available|过期|失效")
_NOT_READY: Final = re.compile(
    "not_(?:yet_|been_)?(?:ready|complete|available|finished|generated)|in_progress|processing"
    "|(?:still|currently)_being_|处理中|正在|排队|未完成|生成中"
)


def _all_words(error_info: ErrorInfo) -> str:
    words = " ".join((*error_info.codes, error_info.text[:_MAX_TEXT])).casefold()
    return re.sub(r"[\s-]+", "_", words)


def speaks_of_a_job(error_info: ErrorInfo) -> bool:
    """Return whether a gateway's error is about a job or its video, not about the gateway."""
    return bool(_OF_A_JOB.search(" ".join((*error_info.codes, error_info.text[:_MAX_TEXT]))))


# Not "upstream", "server" or "gateway": those speak of the way to it.
_OF_A_JOB: Final = re.compile(
    r"video|generat|\btask|\bjob|content|safety|filter|视频|任务", re.IGNORECASE
)


def failure_without_status(error_info: ErrorInfo) -> JobFailed | None:
    """Read an error that can only be about the job: a policy or audio code, status or not."""
    final = classify(ErrorInfo(codes=error_info.codes), 0) in {Cause.POLICY, Cause.AUDIO}
    return JobFailed(error_info) if final else None
