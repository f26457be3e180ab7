"""What came of a soak, as tables and targets."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .inside import Course, Sample, course
from .load import percentile
from .report import Column, Table, Target
from .rhythm import WELL
from .told import Told
from .wanderers import Tally

# Bounded caches fill up, and threads come, in this part of it.
WARM_UP = 0.25
MOST_SHOWN = 20
# What is kept for later, and at most how many: 32 connections to DCS for each of three projects; and SQLite's
# files, of which it keeps those of closed connections for the next ones: as many as threads use at once.
KEPT = {"connections to DCS": 3 * 32, "portal.sqlite3": 40, "cache.sqlite3": 40}
# Of all else.
MOST_GAINED = 5
Row = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """A look at all workers, and the sizes of files."""

    at: float
    workers: list[Sample]
    files: dict[str, int]


@dataclass
class Found:
    seconds: float
    moments: list[Moment]
    # What each worker had open, by kind, when nobody had asked for a while: after warm-up, and at the end.
    held: list[list[Counter[str]]]
    tally: Tally
    hits: dict[str, int]
    told: Told = field(default_factory=Told)

    def tables(self) -> list[Table]:
        return [
            self._workers(),
            self._rest(),
            self._times(),
            self._files(),
            self._answers(),
            self._troubles(),
            self._log(),
            *self._undocumented(),
            *self._grave(),
        ]

    def targets(self) -> list[Target]:
        workers = range(len(self.moments[0].workers))
        memory = [self._course(worker, "memory").growth for worker in workers]
        begin, end = self.held
        gained = [
            sum(number for kind, number in (now - was).items() if kind not in KEPT)
            for was, now in zip(begin, end, strict=True)
        ]
        fullest = [now[kind] / most for now in end for kind, most in KEPT.items()]
        return [
            Target("memory of a worker, last fifth against first after warm-up", max(memory), most=1.05),
            Target(
                "files and sockets of a worker open at rest, gained since warm-up, but for what is kept",
                max(gained),
                most=MOST_GAINED,
                unit=" ",
            ),
            Target("what is kept open for later, against its bound", max(fullest), most=1.0),
            Target(
                "answers that are not documented", len(self.tally.undocumented), most=0, least=0, unit=" "
            ),
            Target(
                "errors and tracebacks in the log",
                len(self.told.grave) + len(self.told.other),
                most=0,
                least=0,
                unit=" ",
            ),
        ]

    def _warm(self) -> list[Moment]:
        return [moment for moment in self.moments if moment.at >= WARM_UP * self.seconds]

    def _course(self, worker: int, name: str) -> Course:
        return course([moment.workers[worker] for moment in self._warm()], name)

    # Tables --------------------------------------------------------------------

    def _workers(self) -> Table:
        rows = [self._worker(number) for number in range(len(self.moments[0].workers))]
        columns = (
            Column("worker", "worker"),
            Column("at_start", "at the start", "MB"),
            Column("begin", "after warm-up", "MB"),
            Column("end", "at the end", "MB"),
            Column("growth", "growth", "x"),
            Column("hourly", "in an hour, by its slope", "MB"),
            Column("files", "open files"),
            Column("sockets", "sockets"),
            Column("threads", "threads"),
        )
        notes = (
            f"{self.seconds:,.0f} seconds, of which the first quarter warms up. Memory is a worker's share "
            "(PSS). After warm-up and at the end are medians of the first and of the last fifth of the "
            "rest; so are the numbers beside an arrow.",
        )
        return Table("What each worker holds", columns, rows, notes)

    def _worker(self, number: int) -> Row:
        memory = self._course(number, "memory")
        return {
            "worker": f"{number + 1}",
            "at_start": self.moments[0].workers[number].memory,
            "begin": memory.begin,
            "end": memory.end,
            "growth": memory.growth,
            "hourly": memory.hourly,
            **{name: _arrow(self._course(number, name)) for name in ("files", "sockets", "threads")},
        }

    def _rest(self) -> Table:
        kinds = sorted({kind for look in self.held for worker in look for kind in worker})
        workers = range(len(self.held[0]))
        rows = [
            {"kind": kind, "bound": str(KEPT.get(kind, ""))}
            | {f"{n}": " → ".join(str(look[n][kind]) for look in self.held) for n in workers}
            for kind in kinds
        ]
        columns = (
            Column("kind", "open"),
            *(Column(f"{n}", f"worker {n + 1}") for n in workers),
            Column("bound", "kept for later, at most"),
        )
        notes = ("After nobody had asked for a while: once after warm-up, and once at the end.",)
        return Table("What each worker has open at rest", columns, rows, notes)

    def _times(self) -> Table:
        """Ten looks out of all, so that one sees whether memory has come to rest."""
        looks = self.moments[:: max(1, len(self.moments) // 10)]
        rows = [
            {"at": f"{moment.at / 60:.1f} min"}
            | {f"memory {n}": worker.memory for n, worker in enumerate(moment.workers)}
            | {f"files {n}": worker.files_in_memory for n, worker in enumerate(moment.workers)}
            for moment in looks
        ]
        columns = [Column("at", "after")]
        for number in range(len(self.moments[0].workers)):
            columns.append(Column(f"memory {number}", f"worker {number + 1}", "MB"))
            columns.append(Column(f"files {number}", "of it pages of files", "MB"))
        return Table("Memory of the workers meanwhile", tuple(columns), rows)

    def _files(self) -> Table:
        warm, rows = self._warm(), []
        fifth = max(1, len(warm) // 5)
        for name in warm[0].files:
            sizes = [moment.files[name] for moment in warm]
            begin, end = statistics.median(sizes[:fifth]), statistics.median(sizes[-fifth:])
            rows.append({"file": name, "begin": begin, "end": end, "most": max(sizes)})
        columns = (
            Column("file", "file"),
            Column("begin", "after warm-up", "MB"),
            Column("end", "at the end", "MB"),
            Column("most", "most", "MB"),
        )
        return Table("Files of the portal", columns, rows, ("With SQLite's -wal.",))

    def _answers(self) -> Table:
        rows = [
            {
                "kind": kind,
                "requests": len(waited),
                "p50": statistics.median(waited),
                "p95": percentile(waited, 0.95),
                "most": max(waited),
                "statuses": _counted(self.tally.answers[kind]),
            }
            for kind, waited in sorted(self.tally.waited.items())
        ]
        columns = (
            Column("kind", "what"),
            Column("requests", "requests", " "),
            Column("p50", "p50", "ms"),
            Column("p95", "p95", "ms"),
            Column("most", "most", "ms"),
            Column("statuses", "answers"),
        )
        total = sum(len(waited) for waited in self.tally.waited.values())
        notes = (f"{total:,} requests, {total / self.seconds:.0f} in a second. DCS's troubles are in them.",)
        return Table("What viewers were answered", columns, rows, notes)

    def _troubles(self) -> Table:
        told = self.tally.while_dcs
        order = sorted(told, key=lambda name: (name != WELL, name))
        rows = [
            {"dcs": name, "hits": self.hits.get(name, 0), "statuses": _counted(told[name])} for name in order
        ]
        columns = (
            Column("dcs", "DCS"),
            Column("hits", "calls that it spoiled", " "),
            Column("statuses", "pages that may need DCS"),
        )
        notes = (
            "By what DCS did when the request began. Lists are fresh for 10 s and kept for 30 s here. A key "
            "that was refused is left alone for five minutes, also while DCS is well.",
        )
        return Table("While DCS …", columns, rows, notes)

    def _log(self) -> Table:
        rows = [{"level": level, "lines": lines} for level, lines in self.told.levels.most_common()]
        if self.told.other:
            rows.append({"level": "no JSON", "lines": len(self.told.other)})
        return Table("Lines of the log", (Column("level", "level"), Column("lines", "lines", " ")), rows)

    def _undocumented(self) -> list[Table]:
        names = ("what", "kind", "dcs", "path", "request_id")
        found = self.tally.undocumented
        return _some("Answers that are not documented", names, found) if found else []

    def _grave(self) -> list[Table]:
        names = ("level", "logger", "message", "request_id")
        other = [dict.fromkeys(names, "") | {"level": "no JSON", "message": line} for line in self.told.other]
        found = self.told.grave + other
        return _some("Errors in the log", names, found) if found else []


def _some(title: str, names: tuple[str, ...], rows: list[dict[str, str]]) -> list[Table]:
    columns = tuple(Column(name, name.replace("_", " ")) for name in names)
    notes = (f"The first {MOST_SHOWN} of {len(rows)}.",) if len(rows) > MOST_SHOWN else ()
    return [Table(title, columns, rows[:MOST_SHOWN], notes)]


def _counted(statuses: Counter[int]) -> str:
    return ", ".join(f"{number} x {status}" for status, number in sorted(statuses.items()))


def _arrow(one: Course) -> str:
    return f"{one.begin:.0f} → {one.end:.0f}"
