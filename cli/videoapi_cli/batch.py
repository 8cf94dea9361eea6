"""What `generate` is to make: images of the command line, a folder, or the rows of a file."""

import csv
import io
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from videoapi_cli import images
from videoapi_cli.downloads import safe_name
from videoapi_cli.errors import CliError, UsageError
from videoapi_cli.orders import ALIASES, FIELDS, IMAGES, Order, value_of

OUTPUT = "output"  # the column with a file's name
Row = tuple[str, dict[str, Any]]  # where it stands, and its fields


def orders_of(
    rows: Iterable[Row], shared: dict[str, Any], *, batch: str, base: Path
) -> list[Order]:
    """Return the order of each row, its fields before `shared` ones; images are relative to `base`.

    A row's key is made of the batch's name and of the row's content, wherever it stands: only of
    rows that are the same, the how-many-th it is counts.
    """
    orders, seen, names = [], Counter[str](), Counter[str]()
    for where, row in rows:
        fields = shared | _named(where, row)
        output = fields.pop(OUTPUT, None)
        fields = {name: _placed(name, what, base) for name, what in fields.items()}
        name = _unique(safe_name(output or _title(fields)), names)
        order = Order(fields=fields, name=name, where=where)
        try:
            first = order.keyed(batch, 0).key
            seen[first] += 1
            orders.append(order.keyed(batch, seen[first] - 1))
        except CliError as exc:
            orders.append(Order(fields=fields, name=name, where=where, problem=exc.message))
    return orders


def orders_from(sources: list[str], shared: dict[str, Any], *, batch: str) -> list[Order]:
    """Return the orders of the command line's images; without one, of the prompt alone.

    Several are a batch, as a folder is. A single one is another order at each call.
    """
    if not sources and "prompt" not in shared:
        raise UsageError("A video of what? Name an image, or say a prompt: -p …")
    if len(sources) > 1:
        rows = [("", {"image": source}) for source in sources]
        return orders_of(rows, shared, batch=batch, base=Path())
    fields = shared | ({"image": sources[0]} if sources else {})
    order = Order(fields=fields, name=safe_name(_title(fields)), key=uuid.uuid4().hex)
    order.keyed(batch, 0)  # what is no image is said before anything is asked of the server
    return [order]


def rows_of(source: Path) -> list[Row]:
    """Return the rows of a CSV or JSON-lines file, or of a folder of images. Raise `UsageError`."""
    if source.is_dir():
        found = sorted(path for path in source.iterdir() if path.suffix.lower() in images.ENDINGS)
        rows = [(path.name, {"image": path.name}) for path in found if path.name[0] != "."]
    else:
        try:
            text = source.read_text(encoding="utf-8-sig")
        except OSError as exc:
            raise UsageError(f"{source} cannot be read: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise UsageError(f"{source} is not UTF-8 text.", "Save it as CSV UTF-8.") from exc
        read = _json_rows if source.suffix.lower() in (".jsonl", ".ndjson") else _csv_rows
        rows = list(read(text, source.name))
    if not rows:
        raise UsageError(f"{source} has nothing to make a video of.")
    return rows


def _json_rows(text: str, name: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):  # JSON has other line ends in its texts
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as exc:
            raise UsageError(f"{name}, line {number}: no JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise UsageError(f"{name}, line {number}: a JSON object is wanted.")
        yield f"line {number}", {key: what for key, what in row.items() if what is not None}


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)  # spreadsheets write what their country does
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last = 0
    try:
        for column, times in Counter(reader.fieldnames or ()).items():
            if column and times > 1:
                raise UsageError(f"{name}: {times} columns are called {column!r}.")
        for row in reader:
            if None in row:
                raise UsageError(
                    f"{name}, line {reader.line_num}: more cells than the first line names.",
                    'Put what has a comma in it into "quotes", with no space before them.',
                )
            last = reader.line_num
            filled = {key: what for key, what in row.items() if what and what.strip()}
            if filled:
                yield f"line {reader.line_num}", filled
    except csv.Error as exc:
        raise UsageError(
            f"{name}, the row after line {last or 1}: {exc}.",
            'A cell that begins with " ends with one, and has two for one.',
        ) from exc


def _named(where: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's values by the API's names; refuse what no field is called, as a typo is."""
    fields: dict[str, Any] = {}
    for column, what in row.items():
        folded = column.strip().lower().replace(" ", "_").replace("-", "_")
        name = ALIASES.get(folded, folded)
        if name not in (*FIELDS, OUTPUT):
            columns = ", ".join((*FIELDS, OUTPUT))
            raise UsageError(f"{where}: no field is called {column!r}.", f"There are: {columns}")
        if name in fields:
            raise UsageError(f"{where}: {name} is said twice.")
        try:
            fields[name] = value_of(name, what)
        except UsageError as exc:
            raise UsageError(f"{where}: {exc.message}") from exc
    if not isinstance(fields.get(OUTPUT, ""), str):
        raise UsageError(f"{where}: output should be a file's name.")
    return fields


def _placed(name: str, what: Any, base: Path) -> Any:
    """Return an image's path from where the batch is; of anything else itself."""
    if name not in IMAGES:
        return what
    if isinstance(what, list):
        return [_placed(name, each, base) for each in what]
    path, text = images.path_of(str(what), base), str(what).strip()
    if images.is_url(text):
        return text
    return str(path if path.exists() else images.path_of(text, base))


def _title(fields: dict[str, Any]) -> str:
    """Return what a video is called after: its image, or what it is to show."""
    if image := fields.get("image"):
        return Path(str(image).split("?")[0].rstrip("/")).stem
    return str(fields.get("prompt") or "video")[:40]


def _unique(name: str, names: Counter[str]) -> str:
    """Return a name that no other row of the batch has, on any file system."""
    names[name.lower()] += 1
    if (number := names[name.lower()]) == 1:
        return name
    return _unique(f"{name}-{number}", names)
