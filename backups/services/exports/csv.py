"""An export as CSV that a spreadsheet reads without harm: no formula runs, and Chinese stays Chinese.

A text that a spreadsheet would run, or turn into a number, a date or a truth value, has an apostrophe before
it; so has one that begins with an apostrophe itself. A program takes one leading apostrophe away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from .export import Export, ExportedBackup

# With the wide forms that spreadsheets of East Asia take for the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_NO_TEXT = re.compile(
    r"(?=\D*\d)[\s\d.,:/%$€£¥￥e年月日号时分秒()-]+(?:\s?[ap]\.?m\.?)?|true|false"
    rf"|\d{{1,2}}[- /.]{{1,2}}{_MONTH}(?:[- /,.]{{1,2}}\d{{2,4}})?|{_MONTH}[- ]\d{{1,4}}(?:,? \d{{4}})?",
    re.IGNORECASE,
)
# Where commas divide numbers, a spreadsheet takes semicolons or tabs, and the lines of a text, for new cells.
_FORMULA_WITHIN = re.compile(r"([;\t\r\n])(?=\"*[=+\-@＝＋－＠])")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads Chinese as something else

# All but `changes`; those of evidence came later, so they stand last.
_FIELDS = ExportedBackup.__struct_fields__[:-1]
_EVIDENCE = _FIELDS.index("first_seen")

# A line each would cost more to send than to write. The server takes 32 chunks ahead of who reads
# slowly before a thread waits for them: all of a long history.
ROWS_A_CHUNK = 1000


def csv_chunks(export: Export) -> Iterator[str]:
    """Yield the file; each row says of which instance it is."""
    own = (export.project.name, export.instance_id)
    titles = (*_FIELDS[:_EVIDENCE], "project", "instance_id", *_FIELDS[_EVIDENCE:])
    return csv_table(titles, (_values(backup, own) for backup in export.rows()))


def csv_table(titles: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield a table as CSV, in parts of some 300 kB."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(BYTE_ORDER_MARK)
    writer.writerow(titles)
    cells = (list(map(_cell, row)) for row in rows)
    while (chunk := list(islice(cells, ROWS_A_CHUNK))) or text.tell():
        writer.writerows(chunk)
        yield _FORMULA_WITHIN.sub(r"\1'", text.getvalue())
        text.seek(0)
        text.truncate()


def _values(backup: ExportedBackup, own: tuple[str, str]) -> list[Any]:
    values = msgspec.structs.astuple(backup)[: len(_FIELDS)]
    return [*values[:_EVIDENCE], *own, *values[_EVIDENCE:]]


def _cell(value: Any) -> Any:
    """Return a value as a cell that stays what it is; null is an empty one."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) or _NO_TEXT.fullmatch(value) else value
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
        "X-Seen": body["seen"],
        "X-As-Of": body["as_of"],
        "X-Complete": "true" if body["complete"] else "false",
        "X-Generation": body["generation"],
        "X-Promised": body["promised"],
        "X-Total": body["total"],
        "X-Matched": body["matched"],
        "X-Request-Ids": " ".join(body["request_ids"][:20]),
        "X-Problem": " ".join(str(part) for part in parts if part),
    }
    told = {name: str(value) for name, value in headers.items() if value not in (None, "")}
    return {name: re.sub(r"[^\x20-\x7e]", "?", value) for name, value in told.items()}
