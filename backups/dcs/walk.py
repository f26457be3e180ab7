"""Reading a whole list by offset paging, so that it ends and loses nothing.

The total that DCS promises may be the list's, or only the page's; a server may
cap its pages below the limit; records may come and go during the walk. A walk
ends on an empty page, on a page without a new record, or when nothing more is
promised. Each page begins with the last record of the one before: if it does
not, the list has moved, and a record may have slipped through, whatever the
totals say. When it saw the list move it is repeated once; what it then cannot
vouch for is said in `complete`.

One thing no walk can see: a server that caps its pages below the limit, and
gives each page's count as the total, looks like a list that ends there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic

from .pages import Item, Page


@dataclass(frozen=True)
class Walk(Generic[Item]):
    """A list as it was read.

    `promised` is what DCS said the list holds (None where its total is only the
    page's count); `complete` is False when less came, when the list kept moving
    (`moved`), or when it was cut at the maximum (`truncated`).
    """

    pages: tuple[Page[Item], ...]
    records: tuple[Item, ...]
    promised: int | None
    moved: bool
    truncated: bool

    @property
    def complete(self) -> bool:
        return not (self.moved or self.truncated or self.cut_short)

    @property
    def cut_short(self) -> bool:
        """Whether DCS promised more than came, or sent rows that could not be read."""
        unreadable = any(page.length > len(page.records) for page in self.pages)
        return unreadable or (self.promised is not None and len(self.records) < self.promised)


def walk(
    ask: Callable[[int, int], Page[Item]],
    *,
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None] = lambda page: None,
) -> Walk[Item]:
    """Read a whole list with `ask(offset, limit)`, at most `max_records` of it.

    Pages of one record leave no room for the overlap: use a `page_size` of 2 or more.
    `on_page` sees each page as it arrives. Whatever `ask` raises passes through.
    """
    first = _one_pass(ask, page_size, max_records, on_page)
    if not first.moved:
        return first
    second = _one_pass(ask, page_size, max_records, on_page)
    if not second.moved:
        return second
    # Still moving: a shift may have hidden in one pass what the other saw. The newer word wins.
    records = {record.key: record for record in (*first.records, *second.records)}
    return replace(second, pages=second.pages + first.pages, records=tuple(records.values()))


def _one_pass(
    ask: Callable[[int, int], Page[Item]],
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None],
) -> Walk[Item]:
    pages: list[Page[Item]] = []
    records: dict[str, Item] = {}
    totals: list[int] = []
    read = 0
    total_is_of_the_page = slipped = truncated = False
    while True:
        # How many records to ask for again; none where a page of one would bring nothing else.
        overlap = 1 if pages and pages[-1].length > 1 else 0
        # At the maximum, one record more tells whether it was the end.
        limit = min(page_size, max(max_records - read, 1) + overlap)
        page = ask(read - overlap, limit)
        on_page(page)
        repeated = [record.key for record in page.records if record.key in records]
        expected = [record.key for record in pages[-1].records[-1:]] if overlap else []
        slipped = slipped or repeated != expected
        if read >= max_records:
            truncated = len(repeated) < len(page.records)
            break
        pages.append(page)
        if page.total_num is not None:
            totals.append(page.total_num)
            # A total below what was read, that was each page's own length so far, is no list's.
            counts_the_page = all(one.total_num == one.length for one in pages)
            if counts_the_page and page.total_num < read - overlap + page.length:
                total_is_of_the_page = True
        read += max(page.length - overlap, 0)
        known = len(records)
        for record in page.records:
            records.setdefault(record.key, record)
        # A total that is not what was read promises more, or cannot be the list's.
        if len(records) == known or (page.total_num == read and page.length < limit):
            break
    moved = slipped or (not total_is_of_the_page and len(set(totals)) > 1)
    promised = None if total_is_of_the_page or not totals else totals[-1]
    return Walk(tuple(pages), tuple(records.values()), promised, moved, truncated)
