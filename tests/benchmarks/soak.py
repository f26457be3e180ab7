"""Minutes of mixed load while this and that goes wrong with DCS: what the portal keeps, and what it answers.

The portal runs with two worker processes, its embedded cache and SQLite, over the emulator.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from .effort import Effort
from .emulated import GROUP, Emulated, emulated
from .errands import Menu
from .inside import Sample, open_by_kind, sample
from .portal import SECRET_KEY, Server, serving
from .processes import HOST, ROOT, Failed, clean_environment, free_port
from .report import Results
from .rhythm import ILL, WELL, Trouble, troubles
from .soak_report import WARM_UP, Found, Moment
from .told import told_by
from .wanderers import Commuter, Tally, Wanderer

WORKERS = 2
VIEWERS, COMMUTERS = 8, 2
# Each viewer asks for something new about so often; a commuter looks at seven pages then.
PAUSE, COMMUTER_PAUSE = 0.25, 2.0
# How long a trouble and the recovery from it take at most, and how often is looked into the workers.
LONGEST_TURN, LONGEST_PAUSE = 40.0, 5.0
# So long nobody asks, for a look at what stays: the server's threads go after 30 s.
LONGEST_REST = 40.0
# Lists get old and go within a soak, so that viewers meet DCS's troubles, and memory what a day brings.
FRESH_SECONDS, STALE_SECONDS = 10, 30
RECORDS = 3_000
CACHE = ROOT / "var" / "cache.sqlite3"


def measure(effort: Effort) -> Results:
    with (
        TemporaryDirectory(prefix="portal-soak-") as name,
        emulated(Path(name), records=RECORDS) as dcs,
    ):
        folder, port = Path(name), free_port()
        environment = _environment(folder, port, dcs)
        with serving(folder, port, environment, workers=WORKERS, viewers=VIEWERS, group=GROUP) as server:
            found = _Soak(server, dcs, folder, effort.soak_seconds).run()
        found.told = told_by(folder / "portal.log")
    return Results(found.tables(), found.targets())


def _environment(folder: Path, port: int, dcs: Emulated) -> dict[str, str]:
    return clean_environment(
        SECRET_KEY=SECRET_KEY,
        PORTAL_URL=f"http://{HOST}:{port}",
        DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}",
        LOG_FORMAT="json",
        DCS_DEMO="on",
        DCS_PROJECTS_FILE=dcs.write_projects(folder),
        DCS_FRESH_SECONDS=str(FRESH_SECONDS),
        DCS_STALE_SECONDS=str(STALE_SECONDS),
    )


@dataclass
class _Soak:
    server: Server
    dcs: Emulated
    folder: Path
    seconds: float
    tally: Tally = field(default_factory=Tally)
    now_dcs: str = WELL
    hits: dict[str, int] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)

    def run(self) -> Found:
        ends, rests = threading.Event(), threading.Event()
        viewers = self._viewers(ends, rests)
        for viewer in viewers:
            viewer.start()
        held = []
        try:
            for since, until in ((0.0, WARM_UP), (WARM_UP, 1.0)):
                self._go_through(viewers, since * self.seconds, until * self.seconds)
                rests.set()
                time.sleep(min(LONGEST_REST, self.seconds / 10))
                held.append([self._held(pid) for pid in self.server.workers])
                rests.clear()
        finally:
            ends.set()
            self.dcs.heal()
            for viewer in viewers:
                viewer.join(60)
        return Found(self.seconds, self.moments, held, self.tally, self.hits)

    def _held(self, pid: int) -> Counter[str]:
        return open_by_kind(pid, dcs=self.dcs.port, portal=self.server.port)

    def _viewers(self, ends: threading.Event, rests: threading.Event) -> list[Wanderer]:
        page = self.server.get("/", **{"Accept-Encoding": "identity"})
        static = tuple(sorted(set(re.findall(r'"(/static/[^"#]+)', page.body.decode()))))
        if page.status != 200 or not static:
            raise Failed(f"the first page was answered {page.status}, with {len(static)} static files")
        menu = Menu(self.dcs.fleet, static)

        def made(number: int, cookie: str = "") -> Wanderer:
            kind, pause = (Wanderer, PAUSE) if cookie else (Commuter, COMMUTER_PAUSE)
            return kind(
                number,
                self.server.port,
                menu,
                self.tally,
                ends,
                rests,
                cookie=cookie,
                pause=pause,
                dcs=lambda: self.now_dcs,
            )

        commuters = [made(VIEWERS + number) for number in range(COMMUTERS)]
        return [made(number, cookie) for number, cookie in enumerate(self.server.cookies)] + commuters

    def _go_through(self, viewers: list[Wanderer], since: float, until: float) -> None:
        """One trouble after another, again and again; and meanwhile a look into the workers now and then."""
        plan = troubles(self.dcs.fleet)
        turn = min(LONGEST_TURN, self.seconds / len(plan))
        pause = min(LONGEST_PAUSE, turn / 4)
        began = time.monotonic() - since
        number = -1
        while (at := time.monotonic() - began) < until:
            place = at % turn
            if int(at // turn) != number:
                number = int(at // turn)
                self._begin(plan[number % len(plan)])
            if place >= turn * ILL and self.now_dcs != WELL:
                self._end()
            self.moments.append(self._moment(at))
            for viewer in viewers:
                if viewer.failed:
                    raise Failed(f"{viewer.name}: {viewer.failed!r}")
            self._wait_until(began + min(at + pause, (number + 1) * turn, self._next_end(number, turn, at)))
        self._end()

    @staticmethod
    def _next_end(number: int, turn: float, at: float) -> float:
        end = number * turn + turn * ILL
        return end if end > at else (number + 1) * turn

    @staticmethod
    def _wait_until(when: float) -> None:
        time.sleep(max(0.0, when - time.monotonic()))

    def _begin(self, trouble: Trouble) -> None:
        self.dcs.go_wrong(*trouble.faults)
        self.now_dcs = trouble.name

    def _end(self) -> None:
        touched = self.dcs.heal()
        if self.now_dcs != WELL:
            self.hits[self.now_dcs] = self.hits.get(self.now_dcs, 0) + touched
        self.now_dcs = WELL

    def _moment(self, at: float) -> Moment:
        samples: list[Sample] = [sample(pid, at) for pid in self.server.workers]
        return Moment(at, samples, {name: _size(path) for name, path in self._files().items()})

    def _files(self) -> dict[str, Path]:
        return {"database": self.folder / "portal.sqlite3", "embedded cache": CACHE}


def _size(path: Path) -> int:
    """The size of a SQLite file with what is not yet written back into it."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
