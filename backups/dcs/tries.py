"""A call that is tried again where that can help, in two steps: the first try, and the rest."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .errors import DcsError, DcsThrottled, DcsUnavailable

# Seconds before the first and the second repetition; the vendor advises 2 to 5 where it throttles.
PAUSES = (0.5, 2.0)
THROTTLED_PAUSE = 2.0
_RETRIED_STATUS = frozenset({429, 502, 503, 504})

Result = TypeVar("Result", covariant=True)


class Tried(Generic[Result]):
    """A call that was tried once; `failure` is what came of it, None where DCS answered."""

    def __init__(
        self,
        ask: Callable[[], Result | DcsError],
        pauses: Sequence[float],
        sleep: Callable[[float], None],
        deadline: float,
    ) -> None:
        self._ask = ask
        self._pauses = pauses
        self._sleep = sleep
        self._deadline = deadline
        self._outcome = ask()

    @property
    def failure(self) -> DcsError | None:
        return self._outcome if isinstance(self._outcome, DcsError) else None

    def result(self) -> Result:
        """Return what DCS answered, asking at most len(pauses) times more where the deadline allows it.

        Raises DcsError.
        """
        for pause in self._pauses:
            wait = _pause_before_retry(self._outcome, pause)
            if wait is None or time.monotonic() + wait >= self._deadline:
                break
            self._sleep(wait)
            self._outcome = self._ask()
        if isinstance(self._outcome, DcsError):
            # Raised here, so that no frame of its traceback holds a header that was sent or echoed.
            raise self._outcome
        return self._outcome


def _pause_before_retry(error: object, pause: float) -> float | None:
    """Return the seconds to wait before asking again, None where asking again is wrong."""
    if not isinstance(error, (DcsThrottled, DcsUnavailable)):
        return None
    if isinstance(error, DcsThrottled):
        return max(THROTTLED_PAUSE if error.retry_after is None else error.retry_after, 0.0)
    if error.http_status in _RETRIED_STATUS:
        return max(pause, error.retry_after or 0.0) * random.uniform(1.0, 1.25)
    if error.kind in ("unreachable", "cut_short"):
        return pause * random.uniform(1.0, 1.25)
    return None
