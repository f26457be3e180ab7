"""Reading a whole list by offset paging, so that it ends and loses nothing.

The total that DCS promises may be the list's, or only the page's; a server may
cap its pages below the limit; records may come and go during the walk. A walk
ends on an empty page, on a page without a new record, or when nothing more is
promised. When it saw the list move it is repeated once; what it then cannot
vouch for is said in `complete`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=_Keyed, covariant=True)


class Page(Protocol[Item]):
    """One answer of a list call. `length` counts the rows that DCS sent, readable or not."""

    @property
    def records(self) -> tuple[Item, ...]: ...
    @property
    def total_num(self) -> int | None: ...
    @property
    def length(self) -> int: ...
    @property
    def request_id(self) -> str: ...
    @property
    def body(self) -> bytes: ...


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
        """Whether DCS promised more than came; rows that could not be read count as missing."""
        return self.promised is not None and len(self.records) < self.promised


@dataclass
class _Pass(Generic[Item]):
    pages: list[Page[Item]] = field(default_factory=list)
    records: dict[str, Item] = field(default_factory=dict)
    read: int = 0
    totals: list[int] = field(default_factory=list)
    total_is_of_the_page: bool = False
    repeated: bool = False
    truncated: bool = False

    @property
    def moved(self) -> bool:
        return self.repeated or (not self.total_is_of_the_page and len(set(self.totals)) > 1)

    @property
    def promised(self) -> int | None:
        return None if self.total_is_of_the_page or not self.totals else self.totals[-1]


def walk(
    ask: Callable[[int, int], Page[Item]],
    *,
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None] = lambda page: None,
) -> Walk[Item]:
    """Read a whole list with `ask(offset, limit)`, at most `max_records` of it.

    `on_page` sees each page as it arrives. Whatever `ask` raises passes through.
    """
    first = _one_pass(ask, page_size, max_records, on_page)
    if not first.moved:
        return Walk(tuple(first.pages), tuple(first.records.values()), first.promised, False, first.truncated)
    second = _one_pass(ask, page_size, max_records, on_page)
    if not second.moved:
        return Walk(
            tuple(second.pages), tuple(second.records.values()), second.promised, False, second.truncated
        )
    # Still moving: a shift may have hidden in one pass what the other saw. The newer word wins.
    records = {**second.records, **{k: r for k, r in first.records.items() if k not in second.records}}
    pages = (*second.pages, *first.pages)
    return Walk(pages, tuple(records.values()), second.promised, True, second.truncated)


def _one_pass(
    ask: Callable[[int, int], Page[Item]],
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None],
) -> _Pass[Item]:
    state: _Pass[Item] = _Pass()
    while True:
        limit = min(page_size, max_records - state.read)
        page = ask(state.read, limit)
        on_page(page)
        if not _take(state, page):
            return state
        if not _goes_on(state, page, limit):
            return state
        if state.read >= max_records:
            state.truncated = state.promised != state.read
            return state


def _take(state: _Pass[Item], page: Page[Item]) -> bool:
    """Add a page; tell whether it brought anything new."""
    before = len(state.records)
    if page.total_num is not None:
        # No list holds less than what was read of it; nor is one empty whose every page was its total.
        counts_the_page = page.total_num == page.length and all(p.total_num == p.length for p in state.pages)
        if counts_the_page and page.total_num < state.read + page.length:
            state.total_is_of_the_page = True
        state.totals.append(page.total_num)
    for record in page.records:
        if record.key in state.records and state.read:
            state.repeated = True
        state.records.setdefault(record.key, record)
    state.pages.append(page)
    state.read += page.length
    return len(state.records) > before or _only_unreadable(page)


def _only_unreadable(page: Page[Item]) -> bool:
    return page.length > 0 and not page.records


def _goes_on(state: _Pass[Item], page: Page[Item], limit: int) -> bool:
    """Whether there may be more: DCS promises it, or a full page's total may be the page's count only."""
    if page.total_num is not None and page.total_num > state.read:
        return True
    return page.length >= limit
