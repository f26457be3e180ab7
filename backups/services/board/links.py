"""The links of the board."""

from __future__ import annotations

from datetime import datetime

from django.http import QueryDict

from ..history import absolute, seen_text


def frozen_board_link(path: str, query: QueryDict, *, now: datetime) -> str:
    """Return the link that shows the same verdicts next week; one that tries an objective cannot."""
    query = query.copy()
    if not query.get("as_of") and not query.get("rpo"):
        query["as_of"] = seen_text(now)
    text = query.urlencode(safe=":")
    return absolute(f"{path}?{text}" if text else path)
