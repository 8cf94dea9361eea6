"""multipart/form-data bodies, read with python-multipart.

Not with Powertools' own parser: it cuts a file off at the first bytes that look like its boundary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from videoapi.errors import MalformedBody, ValidationError
from videoapi.requests import CreateVideo

MOST_PARTS = 64
REFERENCE = "input_reference"
IMAGE_URL = "input_reference[image_url]"
METADATA = "metadata["


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


@dataclass
class Form:
    """The text fields of a form, and the one file that `input_reference` may be."""

    fields: dict[str, Any] = field(default_factory=dict)
    file: bytes | None = None


def read_form(body: bytes, content_type: str) -> Form:
    """Read a form. Raises `MalformedBody`, or `ValidationError` for a reference we cannot use."""
    form, metadata = Form(), dict[str, str]()
    for part in _parts(body, _boundary(content_type)):
        name = part.option("name")
        if name is None:
            message = "A part of the form has no name."
            raise MalformedBody(message)
        if name.split("[", 1)[0] == REFERENCE:
            _refer(form, name, part)
        elif name.startswith(METADATA) and name.endswith("]"):
            _set_once(metadata, name[len(METADATA) : -1], name, part)
        elif name in CreateVideo.model_fields:
            _set_once(form.fields, name, name, part)
        else:
            form.fields[name] = _text(name, part)  # unknown, and ignored however often it comes
    if metadata and form.fields.setdefault("metadata", metadata) is not metadata:
        raise _bad("metadata", "Send one JSON text, or one part for each pair")
    return form


def _set_once(fields: dict[str, Any], key: str, name: str, part: Part) -> None:
    if key in fields:
        raise _bad(name[:64], "Send it once")
    fields[key] = _text(name, part)


def _refer(form: Form, name: str, part: Part) -> None:
    """Take a part of `input_reference`; its bytes decide what it is, not its type or file name."""
    if name not in (REFERENCE, IMAGE_URL):
        raise _bad(REFERENCE, "Send one file, or one image_url")
    filename = part.option("filename")
    if not part.data and filename == "":
        return  # an empty file input of a browser's form
    if form.file is not None or REFERENCE in form.fields:
        raise _bad(REFERENCE, "Send only one reference image")
    if name == IMAGE_URL:
        form.fields[REFERENCE] = {"image_url": _text(name, part)}
    elif filename is not None or not _is_text(part.data):
        form.file = bytes(part.data)
    else:
        form.fields[REFERENCE] = _text(name, part)


def _bad(name: str, message: str) -> ValidationError:
    detail = {"field": name, "message": message, "code": "invalid_value"}
    return ValidationError(f"{name}: {message}", param=name, details=[detail])


def _is_text(data: bytearray) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(name: str, part: Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        message = f"{name[:64]}: not UTF-8 text"
        raise ValidationError(message, param=name[:64]) from None


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type.encode("latin-1", "replace"))  # or it raises
    boundary = options.get(b"boundary", b"")
    if not boundary or content_type.lower().count("boundary=") != 1:
        message = "Say one boundary in the Content-Type of a form."
        raise MalformedBody(message)
    return boundary


def _parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    parts: list[Part] = []
    ended: list[bool] = []
    header: list[bytearray] = [bytearray(), bytearray()]

    def begin() -> None:
        if len(parts) == MOST_PARTS:
            message = f"A form may have {MOST_PARTS} parts."
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
        parser.write(body)
    except FormParserError:
        message = "The form could not be read."
        raise MalformedBody(message) from None
    if not ended:
        message = "The form is cut off: its closing boundary is missing."
        raise MalformedBody(message)
    yield from parts
