"""`.env` line by line, so that an error names its line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import Binding, parse_stream


@dataclass(frozen=True)
class EnvFile:
    """What a file says: values and lines by name, and what is wrong, as sentences."""

    values: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read(path: Path) -> EnvFile:
    """Read a file, `$` taken literally; one that is not there says nothing.

    Nor does a folder: a virtual environment is often called `.env`.
    """
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems = []
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return EnvFile()
    except UnicodeDecodeError:
        return EnvFile(problems=(f"{path.name} is not UTF-8 text: save it as such",))
    for binding in bindings:
        number, text = _place(binding)
        name, value = binding.key, binding.value
        if binding.error or (name is not None and value is None):
            problems.append(f"{path.name}, line {number}: not NAME=value: {_shown(text)}")
        elif name is not None and value is not None:
            if values.get(name) and values[name] != value:
                problems.append(
                    f"{path.name}, line {number}: {name} has another value in line {lines[name]};"
                    " remove one of them"
                )
            values[name], lines[name] = value, number
    return EnvFile(values, lines, tuple(problems))


def _place(binding: Binding) -> tuple[int, str]:
    """Return the number of a line and its text; the parser counts empty lines before it as its."""
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return binding.original.line + before.count("\n"), text.strip()


def _shown(text: str) -> str:
    """Return the beginning of a line, without what may be a secret."""
    word, *rest = text.splitlines()[0].split(maxsplit=1)
    word = word.rstrip(":")
    if not word.isidentifier():
        return f"{word[:6]}…"
    return f"{word} …" if rest else word
