"""What the provider tells is read by one thread at a time, kept, and waited for by few requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Generic, TypeVar

from .failures import SignInFailure

# Longer than any call takes, unless a name server keeps silent.
LONGEST_WAIT = 6.0
# What is known already is worth so long a wait for what is newer, of one request at a time.
GRACE = 1.0
FAILURE_PAUSE = 2.0

T = TypeVar("T")


@contextmanager
def one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold one of the slots, or fail at once: who waited for one would hold a thread of the server."""
    if not slots.acquire(blocking=False):
        raise SignInFailure("unavailable", "as many as may wait for the provider do so already")
    try:
        yield
    finally:
        slots.release()


class CachedAnswer(Generic[T]):
    def __init__(self, read: Callable[[], T], *, most_waiting: int) -> None:
        self._read = read
        self._slots = threading.BoundedSemaphore(most_waiting)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="openid-provider")
        self._lock = threading.Lock()  # never held while the provider is asked
        self._reading: Future[T] | None = None  # the last one, under way or done
        self._known: T | None = None
        self._read_at = self._failed_at = float("-inf")

    def get(self, *, max_age: float, anew: bool = False) -> T:
        """Return the answer, read if what is known is older than `max_age`.

        What is known is returned while a newer one is read, unless the last reading failed. With `anew`
        it is of no use, and as if nothing were known.
        """
        with self._lock:
            now, known = time.monotonic(), self._known
            if known is not None and now - self._read_at <= max_age:
                return known
            reading = self._reading
            begins = reading is None or (reading.done() and now - self._failed_at >= FAILURE_PAUSE)
            if reading is None or begins:
                # Its log lines carry the id of the request.
                reading = self._reading = self._thread.submit(copy_context().run, self._read_and_keep)
        if known is None or anew:
            with one_of(self._slots):
                wait([reading], LONGEST_WAIT)
        elif begins:
            wait([reading], GRACE)
        if reading.done():
            return _outcome(reading)
        if known is None or anew:
            raise SignInFailure("unavailable", "the provider has not answered in time")
        return known

    def _read_and_keep(self) -> T:
        try:
            answer = self._read()
        except SignInFailure:
            self._failed_at = time.monotonic()
            raise
        with self._lock:
            self._known, self._read_at = answer, time.monotonic()
        return answer


def _outcome(reading: Future[T]) -> T:
    failure = reading.exception()
    if isinstance(failure, SignInFailure):
        # Raised again and again, the same one would keep the frames of each request.
        raise SignInFailure(failure.kind, failure.reason) from failure
    return reading.result()
