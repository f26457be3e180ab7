"""What viewers see while something breaks: a worker, a server, Redis, PostgreSQL, DCS, the disk.

The portal runs as docs/deploying.md has it for several machines: two servers with two workers each on one
PostgreSQL and one Redis, nginx before them. Every answer is held against the emulator's own records.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import engines, full_disk
from .effort import Effort
from .faults_report import results, unmeasured
from .installation import PROJECTS, WORKERS, Installation, installed
from .processes import wait_until
from .report import Results
from .scene import Seen, play, settle
from .steady import Viewers
from .truth import Truth


@dataclass(frozen=True)
class Breakage:
    """`harm` breaks something, `mend` ends that, or waits until it has ended by itself."""

    harm: Callable[[Installation], object]
    mend: Callable[[Installation], object]
    kills: bool = False


def measure(effort: Effort) -> Results:
    if packages := engines.missing():
        return unmeasured(f"not installed: {packages}")
    chosen = {name: one for name, one in _BREAKAGES.items() if _is_chosen(name, effort)}
    seen = list(_in_installation(chosen, effort))
    if not _is_chosen(full_disk.NAME, effort):
        return results(seen)
    if not full_disk.is_possible():
        return results(seen, f"Not measured: {full_disk.NAME}. This system allows no mount namespace.")
    return results([*seen, full_disk.measure(effort)])


def _is_chosen(name: str, effort: Effort) -> bool:
    return not effort.breakages or name in effort.breakages


def _in_installation(breakages: dict[str, Breakage], effort: Effort) -> Iterator[Seen]:
    with TemporaryDirectory(prefix="portal-bench-") as folder, ExitStack() as stack:
        installation = stack.enter_context(installed(Path(folder), effort.steady_viewers))
        truth = Truth(installation.emulator.fleet, PROJECTS)
        pages = [truth.pages_of(viewer) for viewer in range(effort.steady_viewers)]
        viewers = stack.enter_context(Viewers(installation.portal, pages))
        settle(viewers)
        for name, breakage in breakages.items():
            yield play(
                name,
                lambda breakage=breakage: breakage.harm(installation),
                lambda breakage=breakage: breakage.mend(installation),
                viewers,
                effort,
                kills=breakage.kills,
            )


def _kill_worker(installation: Installation) -> None:
    os.kill(installation.servers[0].children[0], signal.SIGKILL)


def _wait_for_workers(installation: Installation) -> None:
    wait_until(lambda: len(installation.servers[0].children) == WORKERS, "another worker")


_BREAKAGES = {
    "a worker is killed": Breakage(_kill_worker, _wait_for_workers, kills=True),
    # The server itself, as when memory runs out: its workers are to end by themselves.
    "a server is killed, and started again": Breakage(
        lambda all: all.servers[0].end(signal.SIGKILL), lambda all: all.servers[0].start(), kills=True
    ),
    "Redis is stopped, and started again": Breakage(
        lambda all: all.redis.end(), lambda all: all.redis.start()
    ),
    "Redis is frozen": Breakage(lambda all: all.redis.freeze(), lambda all: all.redis.thaw()),
    "PostgreSQL is stopped, and started again": Breakage(
        lambda all: all.postgresql.end(), lambda all: all.postgresql.start()
    ),
    "PostgreSQL is frozen": Breakage(lambda all: all.postgresql.freeze(), lambda all: all.postgresql.thaw()),
    "DCS fails (500)": Breakage(lambda all: all.emulator.fail_with(500), lambda all: all.emulator.heal()),
    "DCS hangs": Breakage(lambda all: all.emulator.hang(), lambda all: all.emulator.heal()),
}
