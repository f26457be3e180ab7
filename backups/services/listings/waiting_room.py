"""Where viewers wait for a list that is being read: a few of them, so that others still find a thread.

A slow list would otherwise take every thread of the server, one viewer after
another. Who finds no seat is told at once that the list is being read, by a
page that fetches itself. One viewer takes half of the seats at most.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

from django.conf import settings

from . import metrics
from .reader import Reading

# When a page comes back that was told that its list is being read.
RETRY_SECONDS = 1.0

_lock = threading.Lock()
_taken = 0
_taken_by: Counter[str] = Counter()


def wait(reading: Reading, seconds: float, *, viewer: str = "") -> bool:
    """Wait for a reading, where there is a seat; tell whether it has ended."""
    if reading.done.is_set() or seconds <= 0 or not _sit_down(viewer):
        return reading.done.is_set()
    began = time.monotonic()
    try:
        return reading.done.wait(seconds)
    finally:
        _stand_up(viewer)
        metrics.refresh_waited(time.monotonic() - began)


def _sit_down(viewer: str) -> bool:
    global _taken
    seats: int = settings.DCS_WAITING_VIEWERS
    with _lock:
        if _taken >= seats or (viewer and _taken_by[viewer] >= -(-seats // 2)):
            return False
        _taken += 1
        _taken_by[viewer] += 1
        return True


def _stand_up(viewer: str) -> None:
    global _taken
    with _lock:
        _taken -= 1
        _taken_by[viewer] -= 1
        if not _taken_by[viewer]:
            del _taken_by[viewer]
