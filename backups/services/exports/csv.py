"""An export as CSV that a spreadsheet reads without harm: no formula runs, and Chinese stays Chinese."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from .rows import FIELDS, ExportedBackup

# With the wide forms that spreadsheets of East Asia take for the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Where commas divide numbers, a spreadsheet takes semicolons or tabs, and the lines of a text, for new cells.
_FORMULA_WITHIN = re.compile(r"([;\t\r\n])(?=\"*[=+\-@＝＋－＠])")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads Chinese as something else

# A line each would cost more to send than to write. The server takes 32 chunks ahead of who reads
# slowly before a thread waits for them: all of a long history.
ROWS_A_CHUNK = 1000


def csv_chunks(backups: Iterable[ExportedBackup]) -> Iterator[str]:
    """Yield the file in parts of some 300 kB."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(BYTE_ORDER_MARK)
    writer.writerow(FIELDS)
    rows = ([_cell(value) for value in msgspec.structs.astuple(backup)] for backup in backups)
    while (chunk := list(islice(rows, ROWS_A_CHUNK))) or text.tell():
        writer.writerows(chunk)
        yield _FORMULA_WITHIN.sub(r"\1'", text.getvalue())
        text.seek(0)
        text.truncate()


def _cell(value: Any) -> Any:
    """Return a value as a cell that is no formula; null is an empty one."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, tuple) else value


def csv_headers(body: dict[str, Any]) -> dict[str, str]:
    """Return the honesty of an envelope as headers."""
    problem = body["problem"] or {}
    parts = (problem.get(name) for name in ("kind", "http_status", "code"))
    headers = {
        "X-Source": body["source"],
        "X-Read-At": body["read_at"],
        "X-Complete": "true" if body["complete"] else "false",
        "X-Generation": body["generation"],
        "X-Promised": body["promised"],
        "X-Total": body["total"],
        "X-Matched": body["matched"],
        "X-Request-Ids": " ".join(body["request_ids"][:20]),
        "X-Problem": " ".join(str(part) for part in parts if part),
    }
    return {name: _ascii(str(value)) for name, value in headers.items() if value not in (None, "")}


def _ascii(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)
