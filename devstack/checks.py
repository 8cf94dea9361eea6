"""What is wrong with the settings of `make run`, all of it at once, before anything is built.

Names and values are the template's: its parameters say which values CloudFormation would refuse,
minutes later and in its own words.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from devstack import env_file, google_credentials, template, webhook_secret
from devstack.settings import ROOT, Settings, SettingsError
from devstack.template import KEY_SECRET, Template
from videoapi.settings import Settings as FunctionSettings

#: Names of settings in `.env.example`, which has all, commented out or not.
_EXAMPLE = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
_ALSO = frozenset({"ALLOWED_HOSTS", "ENV_FILE", google_credentials.FILE, "LOG_LEVEL", "UV_PYTHON"})
#: How alike a name must be to be a slip of the pen (1: the same); so much is refused in `.env`.
_SLIP, _SIMILAR = 0.87, 0.7
#: Settings whose form the functions' package tells better than the template's pattern does.
_READ_BY_FUNCTIONS = {"VIDEO_PROVIDERS", "VIDEO_ROUTES", "WEBHOOK_SECRET"}
#: A word of the package's that was refused, and those that it takes.
_REFUSED = re.compile(r"'([^']+)'.*(?:say one of|there are) ([^;]+)")
_SWITCH = {"true", "false"}
_SWITCHES = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}
_SAMPLE = "https://a.example"
_PORTS = {"http": 80, "https": 443}


def checked(environment: Mapping[str, str], path: Path) -> tuple[Settings, list[str]]:
    """Return the settings with their values in the template's form, and warnings.

    Raise `SettingsError` with every problem there is.
    """
    file = env_file.read(path)
    built = template.load(ROOT / "template.yaml")
    example = ROOT / ".env.example"
    known = names(built, example.read_text() if example.exists() else "")
    slips, warnings = _unknown_in_file(file.lines, known, path.name)
    values, wrong = normalised(built, {**file.values, **environment})
    values, together = as_functions_read(values)
    wrong_names = {problem.partition("=")[0] for problem in wrong}
    together = [problem for problem in together if problem.partition("=")[0] not in wrong_names]
    problems = [*file.problems, *slips, *wrong, *together]
    try:
        settings = Settings.of(values)
    except SettingsError as exc:
        raise SettingsError([*problems, *exc.problems]) from None
    problems += google_credentials.problems(settings.values)
    problems += webhook_secret.problems(settings.values)
    if problems:
        raise SettingsError(problems)
    level = file.values.get("LOG_LEVEL", "")
    if level.upper() not in {"", "DEBUG", "INFO"}:
        warnings.append(f"LOG_LEVEL={level!r} does nothing: say DEBUG or INFO")
    return settings, [*warnings, *_slips_in_environment(environment, known)]


def names(built: Template, example: str) -> set[str]:
    """Return every setting's name: the template's, the local stack's, those of the example."""
    functions = template.variables(built)
    keys = {name.removesuffix("_SECRET") for name in functions if name.endswith(KEY_SECRET)}
    own = {name.upper() for name in Settings.__dataclass_fields__} - {"VALUES"}
    return {*functions, *keys, *own, *_EXAMPLE.findall(example), *_ALSO}


def _unknown_in_file(
    lines: Mapping[str, int], known: Iterable[str], file: str
) -> tuple[list[str], list[str]]:
    """Return slips of the pen, which would leave a default where none is meant, and the rest."""
    slips, others = [], []
    for name in lines.keys() - set(known):
        where = f"{file}, line {lines[name]}: {name} is no setting"
        if slip := nearest(name, known, _SLIP):
            slips.append(f"{where}; did you mean {slip}?")
        elif similar := nearest(name, known, _SIMILAR):
            others.append(f"{where} and does nothing; did you mean {similar}?")
        else:
            others.append(f"{where} and does nothing")
    return sorted(slips), sorted(others)


def _slips_in_environment(environment: Mapping[str, str], known: set[str]) -> list[str]:
    """Return warnings alone: what is in the environment may be meant for another program."""
    found = ((name, nearest(name, known, _SLIP)) for name in sorted(environment.keys() - known))
    return [f"{name} is no setting; did you mean {slip}?" for name, slip in found if slip]


def nearest(name: str, known: Iterable[str], alike: float) -> str | None:
    """Return the name that was meant, if one is so much alike; case and underscores aside."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=alike)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def normalised(built: Template, values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return what was given with the template's values in its own form, and all problems.

    A value that is wrong is empty then, as if it was not there.
    """
    new, problems = dict(values), []
    for name, parameter in template.variables(built).items():
        key = name.removesuffix("_SECRET")
        if name.endswith(KEY_SECRET) and (problem := _about_key(values.get(key, ""))):
            problems.append(f"{key}: {problem}")
        text = values.get(name, "").strip()
        if name in _READ_BY_FUNCTIONS:
            continue
        try:
            new |= {name: value(text, built["Parameters"][parameter])} if name in values else {}
        except ValueError as exc:
            shown = "…" if "@" in text else repr(text)
            problems.append(f"{name}={shown}: {exc}{_advice(name, text)}")
            new[name] = ""
    return new, problems


def as_functions_read(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return providers and routes in the template's form, and why no function would start."""
    try:
        read = FunctionSettings.from_environment(values)
    except ValueError as exc:
        return dict(values), [_with_suggestion(str(exc))]
    routes = [f"{name}={','.join(map(str, along))}" for name, along in read.routes.items()]
    listed = {"VIDEO_PROVIDERS": ",".join(read.video_providers), "VIDEO_ROUTES": ";".join(routes)}
    return {**values, **{name: text for name, text in listed.items() if values.get(name)}}, []


def _with_suggestion(problem: str) -> str:
    found = _REFUSED.search(problem)
    meant = found and nearest(found[1], found[2].split(", "), _SIMILAR)
    return f"{problem}; did you mean {meant}?" if meant else problem


def value(text: str, parameter: Mapping[str, Any]) -> str:
    """Return a value in the parameter's form; raise `ValueError` in words. Empty: the default."""
    if not text:
        return text
    if parameter["Type"] == "Number":
        return _number(text, parameter)
    if allowed := [str(each) for each in parameter.get("AllowedValues", ())]:
        return _one_of(text, allowed)
    pattern = parameter.get("AllowedPattern", ".*")
    if "://" in pattern:
        text = _urls(text, pattern)
    elif pattern.startswith("(/"):
        text = _path(text)
    if re.fullmatch(pattern, text):
        return text
    if text.startswith("http:") and re.fullmatch(pattern, text.replace("http:", "https:", 1)):
        raise ValueError("http:// leads to this machine and its network alone: say https://")
    raise ValueError(parameter["ConstraintDescription"])


def _number(text: str, parameter: Mapping[str, Any]) -> str:
    whole = isinstance(parameter["Default"], int)
    least, most = parameter.get("MinValue", float("-inf")), parameter.get("MaxValue", float("inf"))
    words = f"say a {'whole ' if whole else ''}number"
    words += f", {least} to {most}" if "MaxValue" in parameter else ""
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        raise ValueError(words) from None
    if not least <= number <= most:
        raise ValueError(words)
    return str(number)


def _one_of(text: str, allowed: list[str]) -> str:
    found = {each.lower(): each for each in allowed}
    if set(allowed) == _SWITCH:
        found |= _SWITCHES
    if text.lower() not in found:
        raise ValueError(f"say {' or '.join(allowed)}")
    return found[text.lower()]


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"a path begins with /: say /{text}")
    return text.rstrip("/")


def _urls(text: str, pattern: str) -> str:
    """Return URLs as `pattern` wants them: one or several, whole ones or origins."""
    if text == "*":
        return text
    is_origin = not re.fullmatch(pattern, f"{_SAMPLE}/path")
    several = is_origin and re.fullmatch(pattern, f"{_SAMPLE},{_SAMPLE}")
    parts = [part.strip() for part in text.split(",")] if several else [text]
    if any(re.search(r"\s", part) for part in parts):
        raise ValueError(f"no blanks{'; say several with commas' if several else ''}")
    return ",".join(_url(part.rstrip("/"), is_origin=is_origin) for part in parts if part)


def _url(text: str, *, is_origin: bool) -> str:
    if "://" not in text:
        raise ValueError(f"begin with https:// or http://{'' if '@' in text else f': {text}'}")
    parts = urlsplit(text)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", _port(parts)
    if scheme not in _PORTS or not host:
        raise ValueError("say an address that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("no name and no password stand in it")
    if not is_origin:
        return text
    shown = f"[{host}]" if ":" in host else host
    origin = f"{scheme}://{shown}"
    if port not in {None, _PORTS[scheme]}:  # browsers leave out the usual one, and so do we
        origin += f":{port}"
    if text.partition("://")[2] != parts.netloc:
        raise ValueError(f"an origin has no path: say {origin}")
    return origin


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError("a port is a number, 0 to 65535") from None


def _advice(name: str, text: str) -> str:
    """Return where a path goes that stands in the relay's origin."""
    prefix = name.removesuffix("_BASE_URL")
    path = urlsplit(text).path.rstrip("/") if "://" in text else ""
    if name != "VEO3_BASE_URL" or not path:
        return ""
    return f"; the path goes into {prefix}_ENDPOINT={path.removesuffix('/videos')}/videos"


def _about_key(key: str) -> str | None:
    """Return what is wrong with a key, which is never shown."""
    if key.lower().startswith("bearer "):
        return "without `Bearer`, which is added"
    if key[:1] in "\"'" and key:
        return "without quotation marks"
    if not re.fullmatch(r"[!-~]*", key.strip()):
        return "a key has no spaces and only ASCII characters"
    return None
