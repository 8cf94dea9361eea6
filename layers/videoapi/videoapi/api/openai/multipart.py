"""multipart/form-data bodies, read with python-multipart.

Not with Powertools' own parser: it cuts a file off at the first bytes that look like its boundary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from videoapi.api import aliases
from videoapi.api.aliases import REFERENCE
from videoapi.api.fields import printable
from videoapi.errors import MalformedBody, ValidationError

MAX_PARTS = 64
METADATA = "metadata["
#: How a form may say one image: as itself, as the one of a list, as an object's URL.
SPELLINGS = {"": "", "[]": "", "[image_url]": "image_url", "[url]": "image_url"}


@dataclass
class Part:
    """One part as it was sent; header names in lower case."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    def option(self, name: str) -> str | None:
        """Return an option of Content-Disposition, such as `name` or `filename`."""
        _, options = parse_options_header(self.headers.get("content-disposition", ""))
        value = options.get(name.encode())
        return None if value is None else value.decode(errors="replace")

    @property
    def text(self) -> str | None:
        """The part as text; None for bytes that are none."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in. An empty file with a name is a file that was lost."""
        return not self.data.strip() and not self.option("filename")


@dataclass
class Form:
    """The text fields of a form, and the one file that the image may be, with its field's name."""

    fields: dict[str, Any] = field(default_factory=dict)
    file: bytes | None = None
    file_name: str = REFERENCE
    images: int = 0


def read_form(body: bytes, content_type: str) -> Form:
    """Read a form. Raises `MalformedBody`, or `ValidationError` for a part we cannot use.

    A blank field is one not said, as browsers send what nobody has filled in.
    """
    form, metadata = Form(), dict[str, str]()
    for part in _parts(body, _boundary(content_type)):
        name = part.option("name")
        if name is None:
            message = "A part of the form has no name."
            raise MalformedBody(message)
        if part.is_blank:
            continue
        if aliases.meant(name.partition("[")[0]) == REFERENCE:
            _refer(form, name, part)
        elif name.startswith(METADATA) and name.endswith("]"):
            _set_once(metadata, name[len(METADATA) : -1], name, part)
        else:
            _set_once(form.fields, name, name, part)
    if metadata and form.fields.setdefault("metadata", metadata) is not metadata:
        raise ValidationError.field("metadata", "Send one JSON text, or one part for each pair")
    return form


def _set_once(fields: dict[str, Any], key: str, name: str, part: Part) -> None:
    """Take a text. A file that nobody knows might have been the picture."""
    known = aliases.meant(name.partition("[")[0]) is not None
    if not known and (part.text is None or part.option("filename") is not None):
        message = f"{printable(name)} is no file that is known here; send the image as {REFERENCE}"
        raise ValidationError.field(REFERENCE, message, code="unknown_parameter")
    if key in fields:
        raise ValidationError.field(printable(name), "Send it once")
    fields[key] = _text(name, part)


def _refer(form: Form, name: str, part: Part) -> None:
    """Take the image; its bytes decide what it is, not its type or file name."""
    base, bracket, rest = name.partition("[")
    key = SPELLINGS.get(bracket + rest)
    if key is None:
        raise ValidationError.field(REFERENCE, "Send one file, or one image_url")
    form.images += 1
    if form.images > 1:
        raise ValidationError.field(REFERENCE, "Send only one reference image")
    if key:
        form.fields[base] = {key: _text(name, part)}
    elif part.option("filename") is not None or part.text is None:
        form.file, form.file_name = bytes(part.data), base
    else:
        form.fields[base] = part.text


def _text(name: str, part: Part) -> str:
    if part.text is None:
        raise ValidationError.field(printable(name), "not UTF-8 text")
    return part.text


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type.encode("latin-1", "replace"))  # or it raises
    boundary = options.get(b"boundary", b"")
    if not boundary or content_type.lower().count("boundary=") != 1:
        message = "Say one boundary in the Content-Type of a form."
        raise MalformedBody(message)
    return boundary


def _without_preamble(body: bytes, boundary: bytes) -> bytes:
    """Return a body without its preamble (RFC 2046 §5.1.1)."""
    first = b"--" + boundary
    start = 0 if body.startswith(first) else body.find(b"\r\n" + first)
    return body[start:] if start > 0 else body


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    parts: list[Part] = []
    ended: list[bool] = []
    header: list[bytearray] = [bytearray(), bytearray()]

    def begin() -> None:
        if len(parts) == MAX_PARTS:
            message = f"A form may have {MAX_PARTS} parts."
            raise MalformedBody(message)
        parts.append(Part())

    def end_of_header() -> None:
        name, value = (bytes(each).decode("latin-1") for each in header)
        parts[-1].headers[name.strip().lower()] = value.strip()
        header[:] = bytearray(), bytearray()

    def collect(target: int) -> Any:  # noqa: ANN401 — a callback of the parser's own shape
        return lambda data, start, end: header[target].extend(data[start:end])

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": collect(0),
                "on_header_value": collect(1),
                "on_header_end": end_of_header,
                "on_part_data": lambda data, start, end: parts[-1].data.extend(data[start:end]),
                "on_end": lambda: ended.append(True),
            },
        )
        parser.write(_without_preamble(body, boundary))
    except FormParserError:
        message = "The form could not be read."
        raise MalformedBody(message) from None
    if not ended:
        message = "The form is cut off: its closing boundary is missing."
        raise MalformedBody(message)
    yield from parts
