"""How often something was asked in the current minute, over all processes and servers.

It is counted in the shared cache; while that is away each process counts for itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from django.core.cache import cache

from . import shared_cache

WINDOW_SECONDS = 60
MOST_COUNTED_HERE = 10_000


class Counts:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here: OrderedDict[str, int] = OrderedDict()

    def next(self, what: str, now: float, *, step: int = 1) -> int:
        """Count one more, or with `step=-1` take one back; return how many there are."""
        key = f"rate:{what}:{int(now // WINDOW_SECONDS)}"
        count = shared_cache.asked(lambda: self._next_of_all(key, step), None)
        return self._next_here(key, step) if count is None else count

    def _next_of_all(self, key: str, step: int) -> int:
        try:
            return cache.incr(key, step)
        except ValueError:
            # Of all who are the first in this minute, one is.
            return step if cache.add(key, step, timeout=2 * WINDOW_SECONDS) else cache.incr(key, step)

    def _next_here(self, key: str, step: int) -> int:
        with self._lock:
            self._here[key] = self._here.pop(key, 0) + step
            if len(self._here) > MOST_COUNTED_HERE:
                self._here.popitem(last=False)
            return self._here[key]


counts = Counts()
