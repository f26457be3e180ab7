"""A walk of a long list: the portal's client against the official SDK, in sequence and with eight threads."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .effort import Effort, WalkRounds
from .processes import Child, Failed, clean_environment
from .report import Column, Results, Table, Target
from .upstream import Upstream

CLIENTS = ("portal", "sdk", "sdk-threads")
NAMES = {"portal": "portal", "sdk": "SDK", "sdk-threads": "SDK, 8 threads"}

Row = dict[str, Any]


def measure(effort: Effort) -> Results:
    rows: list[Row] = []
    memory: list[Row] = []
    with Upstream() as upstream:
        for page_size in dict.fromkeys(walk.page_size for walk in effort.walks):
            with _walkers(upstream, effort.records, page_size) as walkers:
                upstream.answer_after(0.0)
                # Each process's first walk tells its peak, and warms it for the others.
                memory += [_memory(name, page_size, walker.ask({})) for name, walker in walkers.items()]
                for walk in (walk for walk in effort.walks if walk.page_size == page_size):
                    upstream.answer_after(walk.latency)
                    rows += _in_turns(upstream, walkers, walk, effort.records)
    return Results([_walk_table(rows, effort), _memory_table(memory, effort)], _targets(rows, memory))


@contextmanager
def _walkers(upstream: Upstream, records: int, page_size: int) -> Iterator[dict[str, Child]]:
    arguments = (upstream.endpoint, f"records-{records}", str(page_size))
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Child(f"{__package__}.walker", name, *arguments, environment=clean_environment())
            )
            for name in CLIENTS
        }


def _in_turns(upstream: Upstream, walkers: dict[str, Child], walk: WalkRounds, records: int) -> list[Row]:
    taken: dict[str, list[Row]] = {name: [] for name in walkers}
    for _ in range(walk.rounds):
        for name, walker in walkers.items():
            before = upstream.cpu
            told = walker.ask({})
            if told["records"] != records:
                raise Failed(f"{NAMES[name]} read {told['records']} of {records} records")
            taken[name].append({**told, "stub": upstream.cpu - before})
    rows = [_row(walk, name, several) for name, several in taken.items()]
    ours = rows[0]
    for row in rows:
        row["wall_ratio"], row["cpu_ratio"] = row["wall"] / ours["wall"], row["cpu"] / ours["cpu"]
    return rows


def _row(walk: WalkRounds, name: str, taken: list[Row]) -> Row:
    middle = {key: statistics.median(one[key] for one in taken) for key in ("wall", "cpu")}
    # The stub's share is told in ticks of 10 ms: only its mean says anything.
    stub = statistics.fmean(one["stub"] for one in taken)
    return {
        "page_size": walk.page_size,
        "latency": walk.latency,
        "client": NAMES[name],
        "rounds": walk.rounds,
        **middle,
        "stub": stub,
    }


def _memory(name: str, page_size: int, told: Row) -> Row:
    return {
        "page_size": page_size,
        "client": NAMES[name],
        "before": told["memory_before"],
        "peak": told["memory_peak"],
        "walk": told["memory_peak"] - told["memory_before"],
    }


def _walk_table(rows: list[Row], effort: Effort) -> Table:
    columns = (
        Column("page_size", "a page", " "),
        Column("latency", "per call", "ms"),
        Column("client", "client"),
        Column("wall", "wall", "ms"),
        Column("cpu", "CPU", "ms"),
        Column("wall_ratio", "wall, portal = 1", "x"),
        Column("cpu_ratio", "CPU, portal = 1", "x"),
        Column("stub", "CPU of the stub", "ms"),
        Column("rounds", "rounds", " "),
    )
    notes = (
        "Medians of walks in turns, each client in a process of its own, over connections that are kept.",
        "CPU is user and system time of the client's process, and beside it that of the stub that answers.",
    )
    return Table(f"Walk of {effort.records:,} records", columns, rows, notes)


def _memory_table(rows: list[Row], effort: Effort) -> Table:
    columns = (
        Column("page_size", "a page", " "),
        Column("client", "client"),
        Column("before", "before", "MB"),
        Column("peak", "peak", "MB"),
        Column("walk", "for the walk", "MB"),
    )
    notes = ("Resident memory (VmHWM) of a process that has its client loaded and walks once.",)
    return Table(f"Memory of a walk of {effort.records:,} records", columns, rows, notes)


def _targets(rows: list[Row], memory: list[Row]) -> list[Target]:
    def ratio(key: str, client: str, page_size: int, latency: float) -> float | None:
        asked = (client, page_size, latency)
        found = [row[key] for row in rows if (row["client"], row["page_size"], row["latency"]) == asked]
        return found[0] if found else None

    def peak(client: str) -> float | None:
        found = [row["peak"] for row in memory if (row["client"], row["page_size"]) == (client, 1000)]
        return found[0] if found else None

    sdk, threads = NAMES["sdk"], NAMES["sdk-threads"]
    ours, theirs = peak(NAMES["portal"]), peak(sdk)
    return [
        Target(
            "walk, 1000 a page, 0 ms, wall: the SDK against the portal",
            ratio("wall_ratio", sdk, 1000, 0.0),
            least=3.5,
        ),
        Target(
            "walk, 100 a page, 30 ms, wall: the SDK in sequence against the portal",
            ratio("wall_ratio", sdk, 100, 0.03),
            least=6,
        ),
        Target(
            "the same, CPU: the SDK with 8 threads against the portal",
            ratio("cpu_ratio", threads, 100, 0.03),
            least=2,
        ),
        Target(
            "peak memory of a walk against the SDK's process",
            ours / theirs if ours and theirs else None,
            most=0.9,
        ),
    ]
