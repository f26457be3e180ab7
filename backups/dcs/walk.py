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
from dataclasses import dataclass, field
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
        return first.as_walk()
    second = _one_pass(ask, page_size, max_records, on_page)
    if not second.moved:
        return second.as_walk()
    # Still moving: a shift may have hidden in one pass what the other saw. The newer word wins.
    pages = (*second.pages, *first.pages)
    records = tuple({**first.records, **second.records}.values())
    return Walk(pages, records, second.promised, True, second.truncated)


@dataclass
class _Pass(Generic[Item]):
    pages: list[Page[Item]] = field(default_factory=list)
    records: dict[str, Item] = field(default_factory=dict)
    read: int = 0
    totals: list[int] = field(default_factory=list)
    total_is_of_the_page: bool = False
    slipped: bool = False
    truncated: bool = False

    @property
    def moved(self) -> bool:
        return self.slipped or (not self.total_is_of_the_page and len(set(self.totals)) > 1)

    @property
    def promised(self) -> int | None:
        return None if self.total_is_of_the_page or not self.totals else self.totals[-1]

    @property
    def overlap(self) -> int:
        """How many records to ask for again; none where a page of one would bring nothing else."""
        return 1 if self.pages and self.pages[-1].length > 1 else 0

    def as_walk(self) -> Walk[Item]:
        return Walk(tuple(self.pages), tuple(self.records.values()), self.promised, False, self.truncated)

    def take(self, page: Page[Item]) -> bool:
        """Add a page; tell whether it brought anything new."""
        known = len(self.records)
        if page.total_num is not None:
            # A total below what was read, that was each page's own length so far, is no list's.
            counts_the_page = all(one.total_num == one.length for one in (*self.pages, page))
            if counts_the_page and page.total_num < self.read - self.overlap + page.length:
                self.total_is_of_the_page = True
            self.totals.append(page.total_num)
        self.slipped = self.slipped or self.shows_a_slip(page)
        self.read += page.length - min(self.overlap, page.length)
        for record in page.records:
            self.records.setdefault(record.key, record)
        self.pages.append(page)
        return len(self.records) > known

    def shows_a_slip(self, page: Page[Item]) -> bool:
        """Whether a page does not begin with the last record of the one before, or repeats others."""
        repeated = [record.key for record in page.records if record.key in self.records]
        if not self.overlap:
            return bool(repeated)
        return repeated != [record.key for record in self.pages[-1].records[-1:]]


def _one_pass(
    ask: Callable[[int, int], Page[Item]],
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None],
) -> _Pass[Item]:
    state: _Pass[Item] = _Pass()
    while True:
        # At the maximum, one record more tells whether it was the end.
        limit = min(page_size, max(max_records - state.read, 1) + state.overlap)
        page = ask(state.read - state.overlap, limit)
        on_page(page)
        if state.read >= max_records:
            state.slipped = state.slipped or state.shows_a_slip(page)
            state.truncated = any(record.key not in state.records for record in page.records)
            return state
        is_new = state.take(page)
        # A total that is not what was read promises more, or cannot be the list's.
        if not is_new or (page.total_num == state.read and page.length < limit):
            return state
