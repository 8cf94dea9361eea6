"""A provider's bill as rows: a CSV file with the columns `job_id`, `time` and `amount`.

In any order, with others between them, as spreadsheets write it: a byte-order mark, quotes, CRLF,
semicolons or tabs, empty lines.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from videoapi.domain.money import MICROS

COLUMNS = ("job_id", "time", "amount")
_MAX_USD = 1_000_000  # of a row; more is another currency, or no amount


class Row(NamedTuple):
    """One line of a bill: epoch seconds, and micro-dollars, which are less than 0 for a refund."""

    job_id: str
    time: float
    amount: int


def read_bill(path: str) -> list[Row]:
    """Return the rows of a bill, the earliest first. Raise `ValueError` in words."""
    if not path:
        raise ValueError("Which bill? Say BILL=file.csv, with the columns job_id, time and amount.")
    try:
        text = Path(path).expanduser().read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as CSV.") from None
    except OSError as exc:
        raise ValueError(f"{path} cannot be read: {exc.strerror or exc}") from None
    return sorted(_rows(path, text), key=lambda row: row.time)


def _rows(path: str, text: str) -> Iterator[Row]:
    lines = text.splitlines()
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    names: list[str] = []
    for cells in table:
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = _names(path, cells)
            continue
        try:
            yield _row(dict(zip(names, (cell.strip() for cell in cells), strict=False)))
        except ValueError as exc:
            raise ValueError(f"{path}, line {table.line_num}: {exc}") from None
    if not names:
        raise ValueError(f"{path} is empty: its first line must be job_id,time,amount")


def _names(path: str, cells: list[str]) -> list[str]:
    names = [cell.strip().casefold().replace(" ", "_") for cell in cells]
    missing = [name for name in COLUMNS if names.count(name) != 1]
    if missing:
        shown = ", ".join(missing)
        raise ValueError(f"{path}: its first line must name job_id, time and amount; see {shown}")
    return names


def _row(cells: Mapping[str, str]) -> Row:
    job_id, time, amount = (cells.get(name, "") for name in COLUMNS)
    if not job_id:
        raise ValueError("it has no job_id")
    return Row(job_id, _instant(time), _micros(amount))


def _instant(text: str) -> float:
    """Read ISO 8601, in UTC unless it says another offset, or seconds since 1970.

    Ten digits are seconds; as such 20260111 would be of 1970, and milliseconds of the year 58000.
    """
    if re.fullmatch(r"[0-9]{10}(\.[0-9]*)?", text):
        return float(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time {text!r}: say 2026-01-31T12:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _micros(text: str) -> int:
    try:
        amount = Decimal(text.replace("USD", "").replace("$", "").strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > _MAX_USD:
        raise ValueError(f"amount {text!r}: say US dollars, such as 0.25")
    return round(amount * MICROS)
