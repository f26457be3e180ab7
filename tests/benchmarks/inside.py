"""What a process holds, by /proc, taken again and again: memory, open files, sockets, threads."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed


@dataclass(frozen=True)
class Sample:
    """One look at a process, `at` seconds after the first.

    In bytes: `memory` is its share (PSS), and `files_in_memory` what of that are pages of files.
    """

    at: float
    memory: int
    files_in_memory: int
    files: int
    sockets: int
    threads: int


def sample(pid: int, at: float) -> Sample:
    try:
        files, sockets = _open_files(pid)
        return Sample(at, *_memory(pid), files, sockets, _threads(pid))
    except (FileNotFoundError, ProcessLookupError) as error:
        raise Failed(f"worker process {pid} has ended") from error


def _open_files(pid: int) -> tuple[int, int]:
    targets = list(_targets(pid))
    sockets = sum(target.startswith("socket:") for target in targets)
    return len(targets) - sockets, sockets


def _targets(pid: int) -> Iterator[str]:
    """Yield what each open file of a process is, as proc(5) writes it."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(link)


def open_by_kind(pid: int, *, dcs: int, portal: int) -> Counter[str]:
    """Count what a process has open: files by name, connections by the ports of DCS and of the portal."""
    ends = dict(_ends_of_connections(pid))
    return Counter(_kind(target, ends, dcs, portal) for target in _targets(pid))


def _kind(target: str, ends: dict[str, tuple[int, int]], dcs: int, portal: int) -> str:
    if not target.startswith("socket:"):
        return os.path.basename(target).split(":")[0] if target.startswith("/") else target.split(":")[0]
    own, other = ends.get(target.removeprefix("socket:[").removesuffix("]"), (0, 0))
    if other == dcs:
        return "connections to DCS"
    return "connections of viewers" if own == portal else "other sockets"


def _ends_of_connections(pid: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the inode of each connection over IPv4, with its own port and the other end's (proc(5))."""
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        own, other, inode = (line.split()[column] for column in (1, 2, 9))
        yield inode, (int(own.split(":")[1], 16), int(other.split(":")[1], 16))


def _memory(pid: int) -> tuple[int, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
    return kilobytes["Pss"] * 1024, (kilobytes["Pss_File"] + kilobytes["Pss_Shmem"]) * 1024


def _threads(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


# From the first fifth to the last ---------------------------------------------


@dataclass(frozen=True)
class Course:
    """How a figure went: medians of the first and the last fifth, and what it gains in an hour."""

    begin: float
    end: float
    hourly: float

    @property
    def growth(self) -> float:
        return self.end / self.begin if self.begin else 1.0


def course(samples: Sequence[Sample], name: str) -> Course:
    points = [(one.at, float(getattr(one, name))) for one in samples]
    fifth = max(1, len(points) // 5)
    values = [value for _, value in points]
    slope = statistics.linear_regression(*zip(*points, strict=True)).slope if len(points) > 1 else 0.0
    return Course(statistics.median(values[:fifth]), statistics.median(values[-fifth:]), slope * 3600)
