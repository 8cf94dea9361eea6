"""multipart/form-data bodies, read with python-multipart.

Not with Powertools' own parser: it cuts a file off at the first bytes that look like its boundary.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from videoapi.api import aliases
from videoapi.api.aliases import REFERENCE
from videoapi.api.fields import object_or_text, printable
from videoapi.errors import MalformedBody, ValidationError

MAX_PARTS = 64
MAX_STEPS = 3  # of brackets: `frame_images[0][image_url][url]`
METADATA = "metadata["
#: How a form may say one image: as itself, as the one of a list, as an object's URL.
SPELLINGS = {
    "": "",
    "[]": "",
    "[image_url]": "image_url",
    "[url]": "image_url",
    "[image_url][url]": "image_url",
}

type Path = tuple[str, ...]


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
    def image(self) -> str | bytes:
        """The part as an image: a file's bytes, or a text. Its type and file name do not count."""
        text = self.text
        is_file = text is None or self.option("filename") is not None
        return bytes(self.data) if is_file or text is None else text

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in. An empty file with a name is a file that was lost."""
        return not self.data.strip() and not self.option("filename")


@dataclass
class Form:
    """What a form says: texts, and the bytes of files, by their fields' names.

    `lists` holds the images of fields that may have several, each by its place and, of an object,
    by the path of its keys.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    single: set[str] = field(default_factory=set)
    lists: dict[str, dict[int, dict[Path, Any]]] = field(default_factory=dict)


def read_form(body: bytes, content_type: str) -> dict[str, Any]:
    """Return a form's fields; a file is `bytes`, an object of brackets a `dict`.

    Raises `MalformedBody`, or `ValidationError` for a part we cannot use. A blank field is one not
    said, as browsers send what nobody has filled in.
    """
    form = Form()
    for part in _parts(body, _boundary(content_type)):
        name = part.option("name")
        if name is None:
            raise MalformedBody("A part of the form has no name.")
        if not part.is_blank:
            _take(form, name, part)
    metadata = form.metadata
    if metadata and form.fields.setdefault("metadata", metadata) is not metadata:
        raise ValidationError.field("metadata", "Send one JSON text, or one part for each pair")
    for name, images in form.lists.items():
        form.fields[name] = [_nested(name, paths) for _, paths in sorted(images.items())]
    return form.fields


def _take(form: Form, name: str, part: Part) -> None:
    meant = aliases.meant(name.partition("[")[0])
    if meant in aliases.SINGLE_IMAGES:
        _refer(form, meant, name, part)
    elif meant in aliases.IMAGE_LISTS:
        _refer_further(form, name, part)
    elif name.startswith(METADATA) and name.endswith("]"):
        _set_once(form.metadata, name[len(METADATA) : -1], name, part)
    else:
        _set_once(form.fields, name, name, part)


def _set_once(fields: dict[str, Any], key: str, name: str, part: Part) -> None:
    """Take a text. A file that nobody knows might have been the picture."""
    known = aliases.meant(name.partition("[")[0]) is not None
    if not known and (part.text is None or part.option("filename") is not None):
        message = f"{printable(name)} is no file that is known here; send the image as {REFERENCE}"
        raise ValidationError.field(REFERENCE, message, code="unknown_parameter")
    if key in fields:
        raise ValidationError.field(printable(name), "Send it once")
    fields[key] = _text(name, part)


def _refer(form: Form, meant: str, name: str, part: Part) -> None:
    """Take the one image of a field."""
    base, bracket, rest = name.partition("[")
    key = SPELLINGS.get(bracket + rest)
    if key is None:
        raise ValidationError.field(meant, "Send one file, or one image_url")
    if meant in form.single:
        raise ValidationError.field(meant, "Send only one image")
    form.single.add(meant)
    form.fields[base] = {key: _text(name, part)} if key else part.image


def _refer_further(form: Form, name: str, part: Part) -> None:
    """Take one of a field's images, or a key of one: `[]`, `[0]`, `[][image_url][url]`, as JSON.

    The n-th part of a path belongs to the n-th image: OpenAI's SDK for Python sends all images'
    `[][type]` before their `[][frame_type]`, the one for Node image by image.
    """
    base, bracket, rest = name.partition("[")
    steps = rest.removesuffix("]").split("][") if bracket else []
    if len(steps) > MAX_STEPS or (bracket and not rest.endswith("]")):
        raise ValidationError.field(printable(base), "Send files, URLs, or objects with image_url")
    images, value = form.lists.setdefault(base, {}), part.image
    if not steps and isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        reference = object_or_text(value)
        for each in reference if isinstance(reference, list) else [reference]:
            _put(images, (), each)
    elif steps and re.fullmatch("[0-9]{1,2}", steps[0]):
        image, path = images.setdefault(int(steps[0]), {}), tuple(steps[1:])
        if path in image:
            raise ValidationError.field(printable(name), "Send it once")
        image[path] = value
    else:
        _put(images, tuple(steps[1:] if steps[:1] == [""] else steps), value)


def _put(images: dict[int, dict[Path, Any]], path: Path, value: object) -> None:
    place = sum(path in image for image in images.values())
    images.setdefault(place, {})[path] = value


def _nested(name: str, paths: Mapping[Path, Any]) -> Any:  # noqa: ANN401 — JSON
    """Return the object that paths of keys and their values make."""
    if () in paths:
        if len(paths) > 1:
            message = "Send all images as files or texts, or all as objects"
            raise ValidationError.field(printable(name), message)
        return paths[()]
    inner: dict[str, dict[Path, Any]] = {}
    for (first, *others), value in paths.items():
        inner.setdefault(first, {})[tuple(others)] = value
    return {key: _nested(name, below) for key, below in inner.items()}


def _text(name: str, part: Part) -> str:
    if part.text is None:
        raise ValidationError.field(printable(name), "not UTF-8 text")
    return part.text


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type.encode("latin-1", "replace"))  # or it raises
    boundary = options.get(b"boundary", b"")
    if not boundary or content_type.lower().count("boundary=") != 1:
        raise MalformedBody("Say one boundary in the Content-Type of a form.")
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
            raise MalformedBody(f"A form may have {MAX_PARTS} parts.")
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
        raise MalformedBody("The form could not be read.") from None
    if not ended:
        raise MalformedBody("The form is cut off: its closing boundary is missing.")
    yield from parts
