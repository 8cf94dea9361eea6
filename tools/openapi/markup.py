"""Pieces of the documentation page: text, JSON, commands and the fields of a schema, as HTML."""

import json
import re
from collections.abc import Iterator
from html import escape
from itertools import cycle
from typing import Any

type Json = Any
type Schema = dict[str, Any]

BASE, KEY = "{{base}}", "{{key}}"  # filled in when the page is served
JSON_PARTS = re.compile(
    r'(?P<k>"(?:[^"\\]|\\.)*")(?=:)|(?P<s>"(?:[^"\\]|\\.)*")|(?P<n>-?[0-9.]+|true|false|null)'
)


def prose(text: str) -> str:
    """Return a sentence as HTML; what stands in backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def figure(caption: str, code: str) -> str:
    """Return a block of code under its caption."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{block(code)}</figure>"


def block(code: str) -> str:
    """Return code that can be scrolled, with room for the script's button beside it."""
    return f'<div class="code"><pre tabindex="0"><code>{code}</code></pre></div>'


def foldable(shown: dict[str, str]) -> str:
    """Return blocks of code of which the first is open."""
    parts = [
        f"<details{'' if number else ' open'}><summary>{escape(caption)}</summary>"
        f"{block(code)}</details>"
        for number, (caption, code) in enumerate(shown.items())
    ]
    return f"<figure>{''.join(parts)}</figure>"


def labelled(html: str) -> str:
    """Return tables whose cells tell their column, for screens that have no room for columns."""

    def cells(table: re.Match[str]) -> str:
        columns = cycle(re.findall(r'<th scope="col">(.*?)</th>', table[0]))
        return re.sub(
            r'<(td|th scope="row")>',
            lambda cell: f'<{cell[1]} data-label="{next(columns)}">',
            table[0],
        )

    return re.sub(r"<table>.*?</table>", cells, html, flags=re.DOTALL)


def coloured(value: Json) -> str:
    """Return JSON with its keys, texts and other values marked."""
    found = []
    text, end = json.dumps(value, indent=2, ensure_ascii=False), 0
    for part in JSON_PARTS.finditer(text):
        found.append(text[end : part.start()])
        found.append(f'<span class="{part.lastgroup}">{escape(part[0], quote=False)}</span>')
        end = part.end()
    return "".join([*found, text[end:]])


def curl(method: str, path: str, *, body: Json = None, form: Json = None, asks: bool = True) -> str:
    """Return a command as one would type it; `asks`: the route may ask for a key."""
    words = ["curl"]
    if path.endswith("/content"):
        words.append("-L -o video.mp4")
    if path.endswith(".jpg"):
        words.append("-O")
    if method != "get" and form is None and body is None:
        words.append(f"-X {method.upper()}")
    lines = [" ".join([*words, BASE + path]) + (KEY if asks else "")]
    if body is not None:
        shown = json.dumps(body, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{shown}'"]
    if form is not None:
        lines += [f'-F "{name}={value}"' for name, value in form.items()]
        lines.append("-F input_reference=@mountains.jpg")
    return escape(" \\\n  ".join(lines), quote=False)


class Schemas:
    """The document's schemas, for people."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas

    def fields(self, schema: Schema) -> str:
        """Return the fields of an object, those of objects inside it by their full names."""
        first = schema.get("anyOf", [schema])[0]
        rows = "".join(self._rows(self.resolved(first), ""))
        return f'<dl class="fields">{rows}</dl>' if rows else ""

    def resolved(self, schema: Schema) -> Schema:
        """Follow a reference; what stands beside it wins."""
        if "$ref" not in schema:
            return schema
        found = self._schemas[schema["$ref"].rpartition("/")[2]]
        return {**self.resolved(found), **{k: v for k, v in schema.items() if k != "$ref"}}

    def kind(self, schema: Schema) -> str:
        """Return what a value may be, in a few words."""
        schema = self.resolved(schema)
        if "const" in schema:
            return f"always {json.dumps(schema['const'])}"
        if "enum" in schema:
            return " | ".join(str(each) for each in schema["enum"] if each is not None)
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(filter(None, map(self._choice, schema["anyOf"]))))
        kinds = schema.get("type", "any")
        names = [kinds] if isinstance(kinds, str) else [each for each in kinds if each != "null"]
        return " ".join([*names, *_limits(schema)])

    def _choice(self, schema: Schema) -> str:
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        words = {"ImageUrl": "URL", "ImageBase64": "base64", "ImageReference": '{"image_url": …}'}
        if name in words:
            return words[name]
        if schema.get("type") == "null" or schema.get("maxLength") == 0:
            return ""
        if schema.get("contentMediaType") == "application/octet-stream":
            return "file"
        return self.kind(schema)

    def _rows(self, schema: Schema, prefix: str) -> Iterator[str]:
        needed = schema.get("required", [])
        for name, field in schema.get("properties", {}).items():
            whole = self.resolved(field)
            inner = self._inner(whole)
            words = self.kind(whole) if inner is None else "object"
            yield _row(prefix + name, words, whole, optional=name not in needed)
            if inner is not None:
                yield from self._rows(inner, f"{prefix}{name}.")

    def _inner(self, schema: Schema) -> Schema | None:
        for choice in schema.get("anyOf", [schema]):
            found = self.resolved(choice)
            if "properties" in found and found.get("title") != "ImageReference":
                return found
        return None


def _row(name: str, kind: str, schema: Schema, *, optional: bool) -> str:
    nullable = "null" in str(schema.get("type")) or {"type": "null"} in schema.get("anyOf", [])
    marks = [f"<span>{escape(kind)}</span>"]
    if "default" in schema:
        marks.append(f"<span>default <code>{escape(_plain(schema['default']))}</code></span>")
    if not optional and not nullable:
        marks.append("<em>required</em>")
    note = prose(schema.get("description", ""))
    return f"<div><dt><code>{escape(name)}</code>{''.join(marks)}</dt><dd>{note}</dd></div>"


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _limits(schema: Schema) -> list[str]:
    found = []
    if "minimum" in schema and "maximum" in schema:
        found.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
    if "maxLength" in schema:
        found.append(f"up to {schema['maxLength']:,} characters")
    if "maxProperties" in schema:
        found.append(f"of up to {schema['maxProperties']} texts")
    return found
