"""A key's first calls: one at a time, over all processes, until the cloud has accepted it.

The cloud locks a key after five refusals in a row, and many lists are often
wanted at once when a portal starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import locks

POLL_SECONDS = 0.01

_accepted: set[str] = set()


@contextmanager
def turn(key: str, *, patience: float) -> Iterator[None]:
    """Wait for one's turn to try a key that was not accepted from this process yet.

    A turn that takes longer than `patience` seconds is not waited for: a refusal comes fast.
    """
    mine = None if key in _accepted else _awaited(key, patience)
    try:
        yield
    finally:
        if mine:
            mine.release()


def _awaited(key: str, patience: float) -> locks.Held | None:
    ends = time.monotonic() + patience
    while (mine := locks.take(f"turn:{key}")) is None and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
        if key in _accepted:
            return None
    return mine


def answered(key: str, *, accepted: bool) -> None:
    if accepted:
        _accepted.add(key)
    else:
        _accepted.discard(key)


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    _accepted.clear()
