"""Tables of figures and the targets that they are held against: for a terminal, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIGURES = "figures"


@dataclass(frozen=True)
class Column:
    """`key` of a row, its title, and the unit that its values (seconds, bytes) are shown in."""

    key: str
    title: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[dict[str, Any]]
    notes: tuple[str, ...] = ()

    def cells(self) -> list[list[str]]:
        head = [column.title for column in self.columns]
        return [head, *([shown(row.get(c.key), c.unit) for c in self.columns] for row in self.rows)]


@dataclass(frozen=True)
class Target:
    """One line of what is to be reached; where it could not be measured, `why` says so.

    `most` is the largest value that reaches it; with `least` it is the smallest one.
    """

    what: str
    measured: float | None
    most: float | None = None
    least: float | None = None
    unit: str = "x"
    why: str = ""

    @property
    def reached(self) -> bool | None:
        if self.measured is None:
            return None
        return (self.most is None or self.measured <= self.most) and (
            self.least is None or self.measured >= self.least
        )

    @property
    def wanted(self) -> str:
        if self.most is not None and self.most == self.least:
            return f"exactly {shown(self.most, self.unit)}"
        if self.least is not None:
            return f"{shown(self.least, self.unit)} or more"
        return f"{shown(self.most, self.unit)} or less"

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "wanted": self.wanted,
            "measured": self.measured,
            "reached": self.reached,
            "why_not_measured": self.why,
        }


@dataclass
class Results:
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def add(self, other: Results) -> None:
        self.tables += other.tables
        self.targets += other.targets

    def as_json(self) -> dict[str, Any]:
        return {
            "tables": [
                {"title": table.title, "notes": list(table.notes), "rows": list(table.rows)}
                for table in self.tables
            ],
            "reach": [target.as_json() for target in self.targets],
        }


def reach_table(targets: Iterable[Target], *, name: str = FIGURES) -> Table:
    words = {True: "yes", False: "no", None: "not measured"}
    rows = [
        {
            "what": target.what,
            "wanted": target.wanted,
            "measured": target.why if target.measured is None else shown(target.measured, target.unit),
            "reached": words[target.reached],
        }
        for target in targets
    ]
    columns = (
        Column("what", "what"),
        Column("wanted", "wanted"),
        Column("measured", "measured"),
        Column("reached", "reached"),
    )
    return Table("Reach" if name == FIGURES else f"Reach: {name}", columns, rows)


# Writing ---------------------------------------------------------------------


def as_text(table: Table) -> str:
    cells = table.cells()
    widths = [max(len(row[place]) for row in cells) for place in range(len(table.columns))]
    numeric = [bool(column.unit) for column in table.columns]
    lines = ["", table.title, "=" * len(table.title)]
    for number, row in enumerate(cells):
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        lines.append("  ".join(aligned).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join([*lines, *table.notes, ""])


def as_markdown(table: Table) -> str:
    head, *rows = table.cells()
    rule = ["---:" if column.unit else "---" for column in table.columns]
    lines = [f"## {table.title}", "", *(f"| {' | '.join(row)} |" for row in (head, rule, *rows)), ""]
    for note in table.notes:
        lines += [note, ""]
    return "\n".join(lines)


def marks(name: str) -> tuple[str, str]:
    """Return what stands before and after the tables of this name in a page."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def write_markdown(path: Path, head: str, tables: Iterable[Table], *, name: str = FIGURES) -> None:
    """Write the tables between the marks of a page that has them, else as a page of their own."""
    figures = "\n".join([head, "", *(as_markdown(table) for table in tables)]).strip()
    page = path.read_text() if path.exists() else ""
    begin, end = marks(name)
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if found and ended:
        path.write_text(f"{before}{begin}\n{figures}\n{end}{after}")
    else:
        path.write_text(f"{figures}\n")


def shown(value: Any, unit: str = "") -> str:
    """Return a value in the unit that people read: seconds as ms, bytes as MB, ratios with an x."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    number = float(value)
    match unit:
        case "ms":
            return f"{number * 1000:,.{_digits(number * 1000)}f} ms"
        case "s":
            return f"{number:,.1f} s"
        case "MB":
            return f"{number / 1e6:,.1f} MB"
        case "kB":
            return f"{number / 1e3:,.1f} kB"
        case "x":
            return f"{number:,.2f} x"
        case "/s":
            return f"{number:,.0f}/s"
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def _digits(number: float) -> int:
    return 0 if number >= 100 else 1 if number >= 10 else 2
