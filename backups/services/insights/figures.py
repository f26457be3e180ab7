"""The figures and the sizes that stand beside the verdict at the head of a history."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.utils.translation import gettext

from ...dcs.records import BackupRecord
from ..history import BackupFilter
from ..words import Clock, size_text, status_word
from .policy import KnownHistory
from .timeline import FAILED, SUCCEEDED, Attempts, between


@dataclass(frozen=True)
class Figures:
    """What is known of a history in numbers.

    `succeeded` and `ended` are of the last 30 days: of the backups that came to an end, those that succeeded,
    also where their file has gone since. One that did not run counts as failed; `did_not_run` says how many.
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
    start, _ = BackupFilter(range="30d").bounds(known.now)
    attempts = known.timeline.attempts
    month = Counter([attempt.kind for attempt in between(attempts, start)])
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


class Mark(NamedTuple):
    """A size in the chart: its title such as "23 Nov 06:00 UTC: 2.1 GB", and whether its file has gone."""

    point: str
    title: str
    gone: bool


class Chart(NamedTuple):
    """The marks of sizes and the line through them: time to the right, bytes from zero up to `steps[0]`."""

    smallest: int
    largest: int
    steps: tuple[int, ...]
    marks: list[Mark]
    line: str


def chart(sizes: Attempts, clock: Clock) -> Chart:
    width, height = CHART
    largest = max(one.size for one in sizes)
    start, steps = sizes[0].started_at, axis(largest)
    span = sizes[-1].started_at - start or timedelta(seconds=1)
    named, marks = gettext("%(time)s: %(size)s"), []
    for one in sizes:
        started_at, size = one.started_at, one.size
        title = named % {"time": clock.about(started_at), "size": size_text(size)}
        if not one.has_file:
            title = f"{title} ({status_word(one.record.status)})"
        x, y = round(width * ((started_at - start) / span), 1), round(height * (1 - size / steps[0]), 1)
        marks.append(Mark(f"{x},{y}", title, not one.has_file))
    smallest, line = min(one.size for one in sizes), " ".join(mark.point for mark in marks)
    return Chart(smallest, largest, steps, marks, line)


def axis(largest: int) -> tuple[int, ...]:
    """Return round sizes from one that is not below the largest down to 0, at even distances."""
    least_step = max(largest, 1) / MOST_STEPS
    power = 10 ** math.floor(math.log10(least_step))
    step = max(1, math.ceil(next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= least_step)))
    count = max(1, -(-largest // step))
    return tuple(step * n for n in range(count, -1, -1))
