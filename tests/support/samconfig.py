"""What samconfig.toml says of each deploy, as SAM reads it."""

import re
import tomllib

from tests.support.own_files import ROOT

TEXT = (ROOT / "samconfig.toml").read_text()
PARAMETER = re.compile(r""" +(\w+)=("[^"]*"|'[^']*'|[^ "']+)""")


def overrides(line):
    """Return the parameters of a line of `parameter_overrides`.

    Raise ValueError for what SAM would drop without a word, such as a bare `Name=`.
    """
    if dropped := PARAMETER.sub("", f" {line}").strip():
        message = f"SAM ignores {dropped}"
        raise ValueError(message)
    return {name: value.strip("\"'") for name, value in PARAMETER.findall(f" {line}")}


def deploys(text=TEXT):
    """Return what is said of each deploy, `parameter_overrides` as a mapping."""
    config = tomllib.loads(text)
    found = [dict(config[stage]["deploy"]["parameters"]) for stage in ("default", "prod")]
    for each in found:
        each["parameter_overrides"] = overrides(each["parameter_overrides"])
    return found


def with_parameters(words):
    """Return the text with `words` behind the parameters of dev, as an operator adds them."""
    line = re.search(r'^parameter_overrides = "(\\.|[^"\\])*', TEXT, re.MULTILINE)
    return f"{TEXT[: line.end()]} {words}{TEXT[line.end() :]}"
