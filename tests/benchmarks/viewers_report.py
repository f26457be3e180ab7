"""What came of the crowds, as tables and targets."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from .effort import Effort
from .report import Column, Table, Target

Row = dict[str, Any]

SITUATIONS = {
    "failing": "fails (500)",
    "unavailable": "is unavailable (503)",
    "throttling": "throttles (429)",
    "hanging": "hangs, then heals",
}
NO_REDIS = "install the Debian package redis-server"


@dataclass
class Found:
    effort: Effort
    cold: list[Row] = field(default_factory=list)
    trouble: list[Row] = field(default_factory=list)
    unrelated: list[Row] = field(default_factory=list)
    stale: list[Row] = field(default_factory=list)

    def tables(self) -> list[Table]:
        return [self._cold_table(), self._trouble_table(), self._unrelated_table(), self._stale_table()]

    # Tables --------------------------------------------------------------------

    def _cold_table(self) -> Table:
        columns = (
            Column("cache", "cache"),
            Column("walks", "walks upstream", " "),
            Column("shows", "ShowInstance", " "),
            Column("alone", "one viewer alone", "ms"),
            Column("p50", "p50", "ms"),
            Column("p99", "p99", "ms"),
            Column("ratio", "p99, alone = 1", "x"),
            Column("requests", "requests", " "),
        )
        notes = (
            f"A history of {self.effort.records:,} records that nobody has read, each call of DCS "
            f"{self.effort.latency * 1000:.0f} ms late; 2 worker processes. Each viewer has a session and a "
            f"connection. {self.effort.crowds} rounds in turns with one viewer alone, who waits for a walk: "
            "medians, and of the walks the most.",
            "What a viewer waits counts until the backups are there: a page that is being read is fetched "
            "again as its script does.",
        )
        return Table(f"{self.effort.viewers} viewers at once", columns, self._cold_rows(), notes)

    def _cold_rows(self) -> list[Row]:
        rows = []
        for cache in dict.fromkeys(row["cache"] for row in self.cold):
            of_cache = [row for row in self.cold if row["cache"] == cache]
            middle = {
                key: statistics.median(row[key] for row in of_cache)
                for key in ("alone", "p50", "p99", "requests")
            }
            most = {key: max(row[key] for row in of_cache) for key in ("walks", "pages", "shows")}
            rows.append({"cache": cache, **middle, **most, "ratio": middle["p99"] / middle["alone"]})
        return rows

    def _trouble_table(self) -> Table:
        rows = [
            {
                "cache": row["cache"],
                "situation": SITUATIONS[row["fault"]],
                "calls": row["pages"] + row["shows"],
                "pages": row["pages"],
                "shows": row["shows"],
                "p50": row["p50"],
                "p99": row["p99"],
                "requests": row["requests"],
                "cpu": row["cpu"],
                "answers": _answers(row),
            }
            for row in self.trouble
        ]
        columns = (
            Column("cache", "cache"),
            Column("situation", "DCS"),
            Column("pages", "calls for the list", " "),
            Column("shows", "for the instance", " "),
            Column("p50", "p50", "ms"),
            Column("p99", "p99", "ms"),
            Column("requests", "requests", " "),
            Column("cpu", "CPU of the workers", "ms"),
            Column("answers", "last answers"),
        )
        notes = (
            "The same viewers while DCS is in trouble with that history. Calls are counted with their "
            "repetitions. Where DCS hangs, viewers insist until it is well again. CPU is that of the whole "
            "scene, somebody's looks at another page in it.",
        )
        return Table(f"{self.effort.viewers} viewers while DCS is in trouble", columns, rows, notes)

    def _unrelated_table(self) -> Table:
        rows = [{**row, "situation": SITUATIONS[row["fault"]]} for row in self.unrelated]
        columns = (
            Column("cache", "cache"),
            Column("situation", "DCS, with another history"),
            Column("quiet", "p99 in quiet", "ms"),
            Column("rush", "p99 with the rush", "ms"),
            Column("meanwhile", "p99 meanwhile", "ms"),
            Column("ratio", "meanwhile, quiet = 1", "x"),
        )
        notes = (
            "A cached history of 1,000 records, looked at 20 times a second while those viewers are there. "
            "The rush is the second in which all of them arrive.",
        )
        return Table("An unrelated page meanwhile", columns, rows, notes)

    def _stale_table(self) -> Table:
        rows = [
            {"situation": name, **self._stale_middle(key)}
            for key, name in (("well", "is well, the listing fresh"), ("hanging", "hangs, the listing old"))
        ]
        columns = (
            Column("situation", "DCS"),
            Column("p50", "p50", "ms"),
            Column("p99", "p99", "ms"),
            Column("cpu", "CPU a request", "ms"),
        )
        notes = (
            f"Over 2 connections to 1 worker process, {self.effort.crowds} rounds in turns, their medians.",
        )
        return Table("A cached history while DCS hangs", columns, rows, notes)

    def _stale_middle(self, situation: str) -> Row:
        return {
            key: statistics.median(row[situation][key] for row in self.stale) for key in ("p50", "p99", "cpu")
        }

    # Targets -------------------------------------------------------------------

    def targets(self) -> list[Target]:
        cold = {row["cache"]: row for row in self._cold_rows()}
        failing = {
            row["cache"]: row["pages"] + row["shows"] for row in self.trouble if row["fault"] == "failing"
        }
        hanging = [row["ratio"] for row in self.unrelated if row["fault"] == "hanging"]
        found = [
            Target(
                f"walks for {self.effort.viewers} cold viewers, 2 processes, {cache}",
                cold[cache]["walks"] if cache in cold else None,
                most=1,
                least=1,
                unit=" ",
                why=NO_REDIS,
            )
            for cache in ("embedded", "Redis")
        ]
        return [
            *found,
            Target(
                f"calls for {self.effort.viewers} viewers while DCS fails",
                max(failing.values()),
                most=2,
                unit=" ",
            ),
            Target(
                f"cold p99 of {self.effort.viewers} viewers against one viewer alone",
                max(row["ratio"] for row in cold.values()),
                most=5,
            ),
            Target(
                "an unrelated page while a listing hangs, after the rush, p99 against quiet",
                max(hanging),
                most=3,
            ),
            Target(
                "a cached history while DCS hangs, p50, against when it is well",
                self._stale_middle("hanging")["p50"] / self._stale_middle("well")["p50"],
                most=1.1,
            ),
        ]


def _answers(row: Row) -> str:
    told = [f"{number} x {status}" for status, number in sorted(row["statuses"].items())]
    return ", ".join(told + ([f"{row['impatient']} gave up"] if row["impatient"] else []))
