"""The figures at the head of a history."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from ...dcs.records import BackupRecord
from ..history import BackupFilter
from ..words import Clock, size_text, status_word
from .timeline import FAILED, SUCCEEDED, Attempts, KnownHistory, between

RATE_RANGE = "30d"


@dataclass(frozen=True)
class Figures:
    """What is known of a history in numbers.

    `succeeded` and `ended` are of the last 30 days: of the backups that came to
    an end, those that succeeded, also where their file has gone since. One that
    did not run came to an end as a failure; `did_not_run` says how many.
    """

    last_attempt: BackupRecord | None
    succeeded: int
    ended: int
    did_not_run: int
    usable: int

    @property
    def success_rate(self) -> float | None:
        """Percent; None where nothing came to an end."""
        return 100 * self.succeeded / self.ended if self.ended else None


def figures(known: KnownHistory) -> Figures:
    # What the filter range=30d shows, so that the figure and the rows behind it agree.
    start, _ = BackupFilter(range=RATE_RANGE).bounds(known.now)
    attempts = known.timeline.attempts
    month = Counter(attempt.kind for attempt in between(attempts, start))
    succeeded = sum(month[kind] for kind in SUCCEEDED)
    return Figures(
        last_attempt=attempts[-1].record if attempts else None,
        succeeded=succeeded,
        ended=succeeded + sum(month[kind] for kind in FAILED),
        did_not_run=month["did_not_run"],
        usable=known.timeline.totals["usable"],
    )


# Sizes ------------------------------------------------------------------------

SPARK = (96, 26)
SPARK_POINTS = 20
CHART = (1000, 160)
MOST_STEPS = 4


def size_change(sizes: Attempts) -> float | None:
    """Return the newest size against the one before of the same format: 0.01 is 1 % more."""
    if not sizes:
        return None
    *earlier, newest = sizes
    before = next((one for one in reversed(earlier) if one.record.format == newest.record.format), None)
    return newest.size / before.size - 1 if before and before.size else None


def spark(sizes: Attempts) -> list[tuple[float, float]]:
    """Return the points of the newest sizes, side by side, from the smallest to the largest."""
    newest = [one.size for one in sizes[-SPARK_POINTS:]]
    width, height = SPARK
    least, most = min(newest), max(newest)
    step = (width - 6) / max(1, len(newest) - 1)
    shares = ((size - least) / (most - least) if most > least else 0.5 for size in newest)
    return [
        (round(3 + place * step, 1), round(height - 4 - share * (height - 8), 1))
        for place, share in enumerate(shares)
    ]


def chart(sizes: Attempts, top: int, clock: Clock) -> list[tuple[float, float, str, bool]]:
    """Return the points of sizes: time to the right, bytes from zero upwards to `top`.

    Each has its title, "23 Nov 06:00 UTC: 2.1 GB" with the status where its file has gone,
    and whether that is so.
    """
    width, height = CHART
    start = sizes[0].started_at
    span = sizes[-1].started_at - start or timedelta(seconds=1)
    named = gettext("%(time)s: %(size)s")
    points = []
    for one in sizes:
        title = named % {"time": clock.about(one.started_at), "size": size_text(one.size)}
        gone = not one.has_file
        points.append(
            (
                round(width * ((one.started_at - start) / span), 1),
                round(height * (1 - one.size / top), 1),
                f"{title} ({status_word(one.record.status)})" if gone else title,
                gone,
            )
        )
    return points


def line(points: Iterable[tuple[Any, ...]]) -> str:
    """Return points as SVG writes them."""
    return " ".join(f"{x},{y}" for x, y, *_ in points)


def axis(largest: int) -> tuple[int, ...]:
    """Return round sizes from one that is not below the largest down to 0, at even distances."""
    least_step = max(largest, 1) / MOST_STEPS
    power = 10 ** math.floor(math.log10(least_step))
    step = max(1, math.ceil(next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= least_step)))
    count = max(1, -(-largest // step))
    return tuple(step * n for n in range(count, -1, -1))
