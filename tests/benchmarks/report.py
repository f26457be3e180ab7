"""Rows of what, wanted, measured, reached: for a terminal, and for docs/measurements.md."""

import math
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "measurements.md"
HEAD = ("what", "wanted", "measured", "reached")


@dataclass(frozen=True)
class Effort:
    """How much is measured: more rounds make the same ratios steadier."""

    records: int = 10_000
    rounds: int = 7
    requests: int = 40
    viewers: int = 200
    idle: int = 500
    half_sent: int = 200
    # How long viewers are looked at in one round, how long something stays broken, how long all is used.
    seconds: float = 4.0
    broken_seconds: float = 10.0
    use_seconds: float = 300.0
    sizes: tuple[int, ...] = (100, 1_000, 10_000, 100_000)


FULL = Effort()
QUICK = Effort(rounds=3, requests=20, seconds=2, broken_seconds=4, use_seconds=60, sizes=(100, 10_000))
TINY = Effort(records=200, rounds=1, requests=2)  # for the tests


@dataclass(frozen=True)
class Row:
    """One figure; `most` is the largest value that is wanted, `least` the smallest. None was not measured."""

    what: str
    measured: float | None
    unit: str = "x"
    most: float | None = None
    least: float | None = None
    why_not: str = ""

    @property
    def reached(self):
        if self.measured is None or self.most is self.least is None:
            return None
        most, least = (math.inf if self.most is None else self.most), self.least or 0
        return least <= self.measured <= most

    @property
    def wanted(self):
        if self.most is not None:
            exactly = self.most == self.least
            return f"exactly {self._shown(self.most)}" if exactly else f"{self._shown(self.most)} or less"
        return "" if self.least is None else f"{self._shown(self.least)} or more"

    def cells(self):
        measured = self.why_not if self.measured is None else self._shown(self.measured)
        return self.what, self.wanted, measured, {True: "yes", False: "no", None: ""}[self.reached]

    def _shown(self, value):
        if self.unit in ("ms", "kB", "MB"):
            return f"{value / {'ms': 1e-3, 'kB': 1e3, 'MB': 1e6}[self.unit]:,.1f} {self.unit}"
        return f"{value:,.2f} {self.unit}" if self.unit in ("s", "x") else f"{value:,.0f}{self.unit}"


def as_text(rows):
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def write_docs(tables, taken, page=PAGE):
    """Put each table between the marks of its part in the page; a part that was not run keeps its own."""
    text = page.read_text()
    for part, rows in tables.items():
        lines = [HEAD, ("---", "---:", "---:", "---"), *(row.cells() for row in rows)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        assert after, f"{page} has no place for {part}"
        text = f"{before}{begin}\n{taken}\n\n{table}\n{end}{after}"
    page.write_text(text)
