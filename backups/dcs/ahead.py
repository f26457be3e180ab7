"""Reading pages ahead of a walk, several at a time, where the first page tells how many there are.

The walk stays the walk: it asks for one page after another and judges each. Its
calls can be told beforehand from a page that came full with a total beyond it;
they are made early, in threads, and an answer is handed out only to the call
that it was expected to be. Where the walk asks for anything else, what was read
ahead is dropped, and it goes on page by page.

Only the first try of a call is made ahead. One that failed is tried again, or
raised, where the walk asks for it; after any failure nothing more is read
ahead, so that a cloud that throttles is asked for one page at a time.

The cloud locks a key after five refusals in a row. A key that is revoked in the
middle is refused before anything is read, sooner than a page is answered: calls
begin so far apart that a refusal is known before many more have begun, and none
begins after it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from .errors import DcsError
from .walk import Item, Page, Walk, next_call, overlap_after, walk

AT_ONCE = 8
# How many calls may begin, at most, within the time that the fastest answer took.
_STARTS_PER_ANSWER = 10

Found = TypeVar("Found", covariant=True)


class Tried(Protocol[Found]):
    """A call that was tried once, and what came of it."""

    @property
    def failure(self) -> DcsError | None: ...

    def result(self) -> Found:
        """Return what the call found, trying again where that helps. Raises DcsError."""


Ask = Callable[[int, int], Tried[Page[Item]]]


def walk_ahead(
    ask: Ask[Item],
    *,
    page_size: int,
    max_records: int,
    on_page: Callable[[Page[Item]], None] = lambda page: None,
    at_once: int = AT_ONCE,
    spare: threading.Semaphore | None = None,
) -> Walk[Item]:
    """Read a whole list as `walk` does, with `ask(offset, limit)` under way for several pages at a time.

    `ask` is called from several threads; it tries once and returns what came of
    it. `spare` bounds what all walks that share it ask for beside the page that
    each of them needs next.
    """
    ahead = _Ahead(ask, page_size, max_records, at_once, spare or threading.Semaphore(at_once))
    try:
        return walk(ahead.page, page_size=page_size, max_records=max_records, on_page=on_page)
    finally:
        ahead.end()


def expected_calls(
    *, length: int, read: int, total: int, page_size: int, max_records: int
) -> Iterator[tuple[int, int]]:
    """Yield (offset, limit) of the calls to come, if all pages are as long as this one of `length`."""
    usual = length
    while True:
        offset, limit = next_call(read, overlap_after(length), page_size, max_records)
        yield offset, limit
        if read >= max_records:
            return
        length = max(0, min(usual, limit, total - offset))
        read = offset + length
        if read >= total and length < limit:
            return


@dataclass(eq=False)
class _Call(Generic[Item]):
    """A call made ahead. `tried` stays None where its thread died of a bug."""

    offset: int
    limit: int
    is_spare: bool
    dropped: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    tried: Tried[Page[Item]] | None = None


class _Ahead(Generic[Item]):
    """Hands pages to one walk, in its thread. Others run `_work` alone."""

    def __init__(
        self, ask: Ask[Item], page_size: int, max_records: int, at_once: int, spare: threading.Semaphore
    ) -> None:
        self._ask = ask
        self._page_size = page_size
        self._max_records = max_records
        self._at_once = at_once
        self._spare = spare
        self._wide = at_once > 1
        self._planned: deque[tuple[int, int]] = deque()
        self._begun: deque[_Call[Item]] = deque()
        self._queue: SimpleQueue[_Call[Item] | None] = SimpleQueue()
        self._workers = 0
        self._last_start = 0.0
        self._fastest = math.inf
        self._last_length = 0
        self._refusal: DcsError | None = None
        self._tried_again = False

    def page(self, offset: int, limit: int) -> Page[Item]:
        """Return the page that the walk asks for. Raises DcsError."""
        if self._upcoming not in (None, (offset, limit)):
            self._drop()
        page = self._made_ahead() or self._made_now(offset, limit)
        if not self._upcoming:
            self._plan(offset, limit, page)
        return page

    def end(self) -> None:
        """Let the threads go. What is under way ends by itself, unheard."""
        self._drop()
        for _ in range(self._workers):
            self._queue.put(None)

    @property
    def _upcoming(self) -> tuple[int, int] | None:
        if self._begun:
            return self._begun[0].offset, self._begun[0].limit
        return self._planned[0] if self._planned else None

    def _drop(self) -> None:
        self._wide = False
        self._planned.clear()
        for call in self._begun:
            call.dropped = True
        self._begun.clear()

    def _plan(self, offset: int, limit: int, page: Page[Item]) -> None:
        """Note the calls to come after a page that came full, or as short as the one before: capped."""
        regular = page.length >= limit or 1 < page.length == self._last_length
        self._last_length = page.length
        read = offset + page.length
        if not self._wide or not regular or page.total_num is None or page.total_num <= read:
            return
        calls = expected_calls(
            length=page.length,
            read=read,
            total=page.total_num,
            page_size=self._page_size,
            max_records=self._max_records,
        )
        self._planned.extend(calls)
        if len(self._planned) == 1:
            self._planned.clear()  # there is nothing to read beside it

    # Calls -------------------------------------------------------------------

    def _made_now(self, offset: int, limit: int) -> Page[Item]:
        if self._refusal:
            raise self._refusal
        return self._try(offset, limit).result()

    def _made_ahead(self) -> Page[Item] | None:
        """Return the page of the first call that was or will be made ahead, None where it is not to be."""
        while self._upcoming:
            pause = self._begin_some()
            if not self._begun:
                self._planned.clear()
            elif self._begun[0].done.wait(pause):
                return self._page_of(self._begun.popleft())
        return None

    def _page_of(self, call: _Call[Item]) -> Page[Item]:
        tried = call.tried
        if tried and not tried.failure:
            return tried.result()
        if tried and not self._tried_again and not self._refusal:
            self._tried_again = True
            return tried.result()
        # Another call has been tried again since: this failure says nothing about now.
        return self._made_now(call.offset, call.limit)

    def _begin_some(self) -> float | None:
        """Begin the calls that may begin; return the seconds until another may, None where none will."""
        while self._wide and self._planned and len(self._begun) < self._at_once:
            is_spare = bool(self._begun)
            pause = self._last_start + self._fastest / _STARTS_PER_ANSWER - time.monotonic()
            if is_spare and pause > 0:
                return pause
            if not self._has_worker() or (is_spare and not self._spare.acquire(blocking=False)):
                return None
            self._last_start = time.monotonic()
            self._begun.append(_Call(*self._planned.popleft(), is_spare))
            self._queue.put(self._begun[-1])
        return None

    def _has_worker(self) -> bool:
        """See to a thread for one more call; tell whether there is one."""
        if self._workers > len(self._begun):
            return True
        # In the caller's context, so that log lines of its calls carry the id of its request.
        work = copy_context().run
        try:
            threading.Thread(target=work, args=(self._work,), name="read-ahead", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            self._wide = False
            return False
        self._workers += 1
        return True

    def _work(self) -> None:
        while call := self._queue.get():
            try:
                if not call.dropped:
                    call.tried = self._try(call.offset, call.limit)
            finally:
                if call.tried is None:
                    self._wide = False
                if call.is_spare:
                    self._spare.release()
                call.done.set()

    def _try(self, offset: int, limit: int) -> Tried[Page[Item]]:
        began = time.monotonic()
        tried = self._ask(offset, limit)
        self._fastest = min(self._fastest, time.monotonic() - began)
        if tried.failure:
            self._wide = False
            if tried.failure.kind == "credentials_refused":
                self._refusal = tried.failure
        return tried
