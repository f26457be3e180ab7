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

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, Protocol

from .errors import DcsError, DcsThrottled
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


def _next_call(read: int, overlap: int, page_size: int, max_records: int) -> tuple[int, int]:
    """Return the offset and the limit to ask with once so many records are read."""
    # At the maximum, one record more tells whether it was the end.
    return read - overlap, min(page_size, max(max_records - read, 1) + overlap)


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


def _one_pass(
    ask: Callable[[int, int], Page[Item]],
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None],
) -> _Pass[Item]:
    state: _Pass[Item] = _Pass()
    while True:
        offset, limit = _next_call(state.read, state.overlap, page_size, max_records)
        page = ask(offset, limit)
        on_page(page)
        if state.read >= max_records:
            state.slipped = state.slipped or _has_slipped(state, page)
            state.truncated = any(record.key not in state.records for record in page.records)
            return state
        if not _take(state, page) or not _goes_on(state, page, limit):
            return state


def _take(state: _Pass[Item], page: Page[Item]) -> bool:
    """Add a page; tell whether it brought anything new."""
    known = len(state.records)
    if page.total_num is not None:
        # A total below what was read, that was each page's own length so far, is no list's.
        counts_the_page = page.total_num == page.length and all(p.total_num == p.length for p in state.pages)
        if counts_the_page and page.total_num < state.read - state.overlap + page.length:
            state.total_is_of_the_page = True
        state.totals.append(page.total_num)
    if state.pages and _has_slipped(state, page):
        state.slipped = True
    state.read += page.length - min(state.overlap, page.length)
    for record in page.records:
        state.records.setdefault(record.key, record)
    state.pages.append(page)
    return len(state.records) > known


def _has_slipped(state: _Pass[Item], page: Page[Item]) -> bool:
    """Whether a page does not begin with the last record of the one before, or repeats others."""
    repeated = [record.key for record in page.records if record.key in state.records]
    if not state.overlap:
        return bool(repeated)
    return repeated != [record.key for record in state.pages[-1].records[-1:]]


def _goes_on(state: _Pass[Item], page: Page[Item], limit: int) -> bool:
    """Whether there may be more: its total says so or cannot be the list's, or the page is full."""
    return page.total_num != state.read or page.length >= limit


# Reading ahead ---------------------------------------------------------------

# The cloud locks a key after five refusals in a row, and so many calls may be refused before one is known.
AT_ONCE = 4


class Ask(Protocol[Item]):
    """Asks for a page: without `retry` once only; `failed` is what came of that before. Raises DcsError."""

    def __call__(
        self, offset: int, limit: int, *, retry: bool = True, failed: DcsError | None = None
    ) -> Page[Item]: ...


def walk_ahead(
    ask: Ask[Item],
    *,
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None] = lambda page: None,
    free: threading.Lock,
) -> Walk[Item]:
    """Read a whole list as `walk` does, with some of the pages that it promises under way at a time.

    The walk stays the walk: it asks for one page after another and judges each.
    After any failure, and after a page that was not expected, it goes on one by
    one, and so does a walk while another has `free`.
    """
    ahead = _Ahead(ask, page_size, max_records, free)
    try:
        return walk(ahead.page, page_size=page_size, max_records=max_records, on_page=on_page)
    finally:
        ahead.end()


class _Ahead(Generic[Item]):
    def __init__(self, ask: Ask[Item], page_size: int, max_records: int, free: threading.Lock) -> None:
        self._ask = ask
        self._sizes = page_size, max_records
        self._free = free
        self._pool: ThreadPoolExecutor | None = None
        self._calls: dict[tuple[int, int], Future[Page[Item]]] = {}
        self._over = self._has_waited = False

    def page(self, offset: int, limit: int) -> Page[Item]:
        """Return the page that the walk asks for, in its thread. Raises DcsError."""
        failed = None
        if call := self._calls.pop((offset, limit), None):
            try:
                return call.result()
            except CancelledError:
                pass  # it was not made
            except DcsError as error:
                # Calls that were throttled at one time wait together.
                failed = None if self._has_waited and isinstance(error, DcsThrottled) else error
                self._has_waited = True
        elif self._pool:
            self._over = True
            self._calls.clear()
        page = self._ask(offset, limit, failed=failed)
        if not self._pool and 1 < page.length == limit and (page.total_num or 0) > offset + limit:
            self._begin(offset + limit, page.total_num or 0)
        return page

    def _begin(self, read: int, total: int) -> None:
        expected = list(_expected_calls(read, total, *self._sizes))
        if len(expected) == 1 or not self._free.acquire(blocking=False):
            return
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="read-ahead")
        try:
            for call in expected:
                # In the caller's context, so that log lines of the call carry the id of its request.
                self._calls[call] = self._pool.submit(copy_context().run, self._call, call)
        except RuntimeError:  # the system has no more threads
            self._over = True

    def _call(self, call: tuple[int, int]) -> Page[Item]:
        if self._over:
            raise CancelledError
        is_whole = False
        try:
            page = self._ask(*call, retry=False)
            is_whole = page.length == call[1]
            return page
        finally:
            self._over = self._over or not is_whole

    def end(self) -> None:
        """Let the threads go; what is under way ends by itself, unheard."""
        self._over = True
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._free.release()


def _expected_calls(read: int, total: int, page_size: int, max_records: int) -> Iterator[tuple[int, int]]:
    """Yield (offset, limit) of the calls to come, if all pages but the last come full."""
    while True:
        offset, limit = _next_call(read, 1, page_size, max_records)
        yield offset, limit
        length = min(limit, total - offset)
        if read >= max_records or length < limit:
            return
        read = offset + length
