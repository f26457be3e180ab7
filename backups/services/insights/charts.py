"""Where the marks of the sparkline and the size chart lie: templates draw them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..words import exact_bytes
from .sizes import Size

SPARK = (96, 26)
SPARK_POINTS = 20
CHART = (1000, 160)
MOST_STEPS = 4
MOST_TIMES = 3


@dataclass(frozen=True)
class Spark:
    """A line, and where it ends."""

    points: str
    x: str
    y: str


@dataclass(frozen=True)
class Mark:
    """One backup in a chart."""

    x: str
    y: str
    at: datetime
    size: int
    held: bool
    status: str


@dataclass(frozen=True)
class Chart:
    """Sizes over time. `steps` are the sizes that the axis names, the largest first; `lines` say where."""

    line: str
    area: str
    marks: tuple[Mark, ...]
    steps: tuple[int, ...]
    lines: tuple[str, ...]
    times: tuple[datetime, ...]
    first: BackupRecord
    last: BackupRecord
    smallest: int
    largest: int


def spark(sizes: Sequence[Size]) -> Spark:
    """Return the newest sizes side by side, from the smallest to the largest."""
    newest = [one.size for one in sizes[-SPARK_POINTS:]]
    width, height = SPARK
    least, most = min(newest), max(newest)
    step = (width - 6) / max(1, len(newest) - 1)
    heights = ((size - least) / (most - least) if most > least else 0.5 for size in newest)
    points = [(3 + place * step, height - 4 - share * (height - 8)) for place, share in enumerate(heights)]
    return Spark(_points(points), *map(_number, points[-1]))


def chart(sizes: Sequence[Size]) -> Chart:
    """Return the chart of some sizes: time to the right, bytes from zero upwards."""
    width, height = CHART
    start, end = sizes[0].started_at, sizes[-1].started_at
    seconds = (end - start).total_seconds() or 1.0
    steps = axis(max(one.size for one in sizes))
    points = [
        (width * (one.started_at - start).total_seconds() / seconds, height * (1 - one.size / steps[0]))
        for one in sizes
    ]
    line = _points(points)
    return Chart(
        line=line,
        area=f"0,{height} {line} {_number(points[-1][0])},{height}",
        marks=tuple(
            Mark(_number(x), _number(y), one.started_at, one.size, one.held, one.record.status)
            for (x, y), one in zip(points, sizes, strict=True)
        ),
        steps=steps,
        times=tuple(start + (end - start) * part / (MOST_TIMES - 1) for part in range(MOST_TIMES)),
        lines=tuple(_number(height * (1 - step / steps[0])) for step in steps),
        first=sizes[0].record,
        last=sizes[-1].record,
        smallest=min(one.size for one in sizes),
        largest=max(one.size for one in sizes),
    )


def axis(largest: int) -> tuple[int, ...]:
    """Return round sizes from one that is not below the largest down to 0."""
    least_step = max(largest, 1) / MOST_STEPS
    power = 10 ** math.floor(math.log10(least_step))
    step = max(1, math.ceil(next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= least_step)))
    count = max(1, -(-largest // step))
    return tuple(step * n for n in range(count, -1, -1))


def round_size(size: int) -> str:
    """Return the words of a step of the axis: "5 GB", and "0"."""
    for least, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= least:
            return f"{size / least:g} {unit}"
    return exact_bytes(size) if size else "0"


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
