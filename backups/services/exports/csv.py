"""An export as CSV that a spreadsheet reads without harm: no formula runs, and Chinese stays Chinese."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from .backup import FIELDS, ExportedBackup

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
    rows = map(_cells, backups)
    while chunk := list(islice(rows, ROWS_A_CHUNK)):
        writer.writerows(chunk)
        yield _taken(text)
    if text.tell():
        yield _taken(text)


def _taken(text: io.StringIO) -> str:
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return _FORMULA_WITHIN.sub(r"\1'", written)


# What the portal writes itself; all other texts are DCS's or a person's.
_OURS = ("created_at", "started_at", "finished_at", "error_meaning", "url")
_NUMBERS = ("size_bytes", "duration_seconds", "progress_percent")
_YES_OR_NO = {"restorable", "usable"}
_LISTS = {"restore_reasons"}
_TEXT_PLACES = [
    place for place, name in enumerate(FIELDS) if name not in {*_OURS, *_NUMBERS, *_YES_OR_NO, *_LISTS}
]
_YES_OR_NO_PLACES = [FIELDS.index(name) for name in _YES_OR_NO]
_LIST_PLACES = [FIELDS.index(name) for name in _LISTS]


def _cells(backup: ExportedBackup) -> list[Any]:
    """Return the values in the order of FIELDS; null is an empty cell."""
    cells: list[Any] = list(msgspec.structs.astuple(backup))
    for place in _TEXT_PLACES:
        text = cells[place]
        if text and text[0] in _FORMULA:
            cells[place] = f"'{text}"
    for place in _YES_OR_NO_PLACES:
        cells[place] = _WORD_OF[cells[place]]
    for place in _LIST_PLACES:
        cells[place] = " ".join(cells[place])
    return cells


_WORD_OF = {True: "true", False: "false", None: None}


def csv_headers(body: dict[str, Any]) -> dict[str, str]:
    """Return the honesty of an envelope as headers."""
    problem = body["problem"]
    headers = {
        "X-Source": body["source"],
        "X-Read-At": body["read_at"],
        "X-Complete": "true" if body["complete"] else "false",
        "X-Generation": body["generation"],
        "X-Promised": body["promised"],
        "X-Total": body["total"],
        "X-Matched": body["matched"],
        "X-Request-Ids": " ".join(body["request_ids"][:20]),
        "X-Problem": " ".join(str(problem[key]) for key in ("kind", "http_status", "code") if problem[key])
        if problem
        else None,
    }
    return {name: _ascii(str(value)) for name, value in headers.items() if value not in (None, "")}


def _ascii(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)
