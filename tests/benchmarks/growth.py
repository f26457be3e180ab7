"""How cost grows with the length of a history: its walk, its cached page, a filter, and memory."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .effort import Effort
from .pages import ALL_FILTERS
from .portal import Server, history, portal
from .processes import Child, Failed, clean_environment, memory_of
from .report import Column, Results, Table
from .upstream import Upstream

Row = dict[str, Any]

# Those of who has histories this long.
SETTINGS = {
    "DCS_MAX_RECORDS": "200000",
    "DCS_RECORDS_IN_MEMORY": "400000",
    "DCS_FRESH_SECONDS": "3600",
}
# What every first page leaves in a process, such as templates, is no matter of its length.
WARM_VIEWS, WARM_RECORDS = 5, 60
# Several are read to see what one takes: alone it would be lost in what a process grows by anyhow.
MEMORY_HISTORIES, MEMORY_RECORDS = 20, 30_000


@dataclass
class History:
    """A portal of its own for histories of one length, and what they cost there."""

    records: int
    server: Server
    numbers: count[int] = field(default_factory=count)
    taken: dict[str, list[float]] = field(default_factory=dict)
    memory: float = 0.0
    first_filter: int = 100_000

    def read_first(self) -> None:
        """Read some histories, and see what this process has grown by for each."""
        for _ in range(WARM_VIEWS):
            self._get(f"records-{WARM_RECORDS}-{next(self.numbers)}")
        histories = max(1, min(MEMORY_HISTORIES, MEMORY_RECORDS // self.records))
        before = memory_of(self.server.workers[0])["now"]
        for _ in range(histories):
            self._get(f"records-{self.records}-{next(self.numbers)}")
        self.memory = (memory_of(self.server.workers[0])["now"] - before) / histories

    def round(self, load: Child, seconds: float) -> None:
        instance_id = f"records-{self.records}-{next(self.numbers)}"
        before = self.server.cpu
        waited = self._get(instance_id)
        self._note("read", waited)
        self._note("read_cpu", self.server.cpu - before)
        told = self._load(load, history(instance_id), seconds, 0)
        self._note("page", told["p50"])
        self._note("page_cpu", told["cpu"])
        told = self._load(load, history(instance_id, ALL_FILTERS), seconds, self.first_filter)
        self.first_filter = told["next"]
        self._note("filter", told["p50"])
        self._note("filter_cpu", told["cpu"])

    def row(self) -> Row:
        return {
            "records": self.records,
            **{key: statistics.median(values) for key, values in self.taken.items()},
            "memory": self.memory,
            "memory_of_one": self.memory / self.records,
        }

    def _get(self, instance_id: str) -> float:
        """View a history and return how long that took."""
        began = time.perf_counter()
        answer = self.server.get(history(instance_id))
        if answer.status != 200:
            raise Failed(f"a history of {self.records:,} records was answered {answer.status}")
        return time.perf_counter() - began

    def _load(self, load: Child, path: str, seconds: float, first: int) -> Row:
        before = self.server.cpu
        told = load.ask(
            {
                "port": self.server.port,
                "path": path,
                "headers": [self.server.headers()],
                "status": 200,
                "connections": 1,
                "seconds": seconds,
                "first": first,
            }
        )
        return {**told, "cpu": (self.server.cpu - before) / told["requests"]}

    def _note(self, what: str, value: float) -> None:
        self.taken.setdefault(what, []).append(value)


def measure(effort: Effort) -> Results:
    with TemporaryDirectory(prefix="portal-bench-") as folder, Upstream() as upstream, ExitStack() as stack:
        load = stack.enter_context(Child(f"{__package__}.load", environment=clean_environment()))
        histories = []
        for records in effort.sizes:
            place = Path(folder, str(records))
            place.mkdir()
            upstream.prepare(f"records-{records}-0")
            histories.append(History(records, stack.enter_context(portal(place, upstream, **SETTINGS))))
        for one in histories:
            one.read_first()
        for _ in range(effort.size_rounds):
            for one in histories:
                one.round(load, effort.page_seconds)
    return Results([_table([one.row() for one in histories], effort)])


def _table(rows: list[Row], effort: Effort) -> Table:
    columns = (
        Column("records", "records", " "),
        Column("read", "first view", "ms"),
        Column("read_cpu", "CPU", "ms"),
        Column("page", "cached page", "ms"),
        Column("page_cpu", "CPU", "ms"),
        Column("filter", "all filters", "ms"),
        Column("filter_cpu", "CPU", "ms"),
        Column("memory", "memory", "MB"),
        Column("memory_of_one", "for a record", "kB"),
    )
    notes = (
        "A portal with 1 worker process for each length. The first view waits for the walk of a history that "
        f"nobody has read, from a stub that answers at once. {effort.size_rounds} rounds in turns, medians, "
        "over one connection; CPU of the worker process.",
        "Memory is what the worker process grew by for each history that it read first and keeps: "
        f"{MEMORY_HISTORIES} of them, or as many as have {MEMORY_RECORDS:,} records, or one.",
    )
    return Table("How cost grows", columns, rows, notes)
