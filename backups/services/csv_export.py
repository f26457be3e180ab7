"""An export as CSV that a spreadsheet reads without harm: no formula runs, and Chinese stays Chinese."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .exports import FIELDS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads Chinese as something else


class _Line:
    """A file for csv.writer that hands back each line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(FIELDS)
    for row in rows:
        yield writer.writerow([_cell(row[name]) for name in FIELDS])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


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


def csv_name(name: str, body: dict[str, Any]) -> str:
    """Return a file name that says what was asked, as of when, and whether it is all."""
    wanted = body["filter"]
    asked = [
        f"{key}-{'+'.join(value) if isinstance(value, list) else value}"
        for key, value in wanted.items()
        if value and key not in ("sort", "tz")
    ]
    as_of = re.sub(r"[-:]|\.\d+", "", body["read_at"])
    marks = [body["source"]] * (body["source"] == "stale") + ["incomplete"] * (not body["complete"])
    what = "_".join([name, "backups", *asked])[:120]  # the rest must never be cut away
    stem = "_".join([what, f"as-of-{as_of}", *marks])
    return re.sub(r"[^\w.+-]+", "-", stem) + ".csv"
