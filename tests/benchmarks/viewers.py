"""Two hundred viewers who want the same history at once, while DCS is well and while it is not.

The portal runs with two worker processes, once with its embedded cache and once with Redis.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from . import engines, stale
from .effort import Effort
from .load import percentile
from .portal import Server, history, portal
from .processes import Child, Failed, clean_environment
from .report import Results
from .upstream import Upstream
from .viewers_report import Found, Row

WORKERS = 2
# Seconds after which a viewer of the benchmark gives up.
PATIENCE = 60.0
UNRELATED = "records-1000-unrelated"
# Somebody looks at the unrelated page so often, over a few connections.
EVERY, CONNECTIONS = 0.1, 2
# Viewers who arrive in one moment are a rush of their own: what comes after so many seconds is told apart.
RUSH = 1.0


def measure(effort: Effort) -> Results:
    found = Found(effort)
    with (
        TemporaryDirectory(prefix="portal-bench-") as folder,
        Upstream() as upstream,
        Child(f"{__package__}.crowd", environment=clean_environment()) as crowd,
        Child(f"{__package__}.load", environment=clean_environment()) as load,
    ):
        upstream.answer_after(effort.latency)
        for cache, cache_at in (("embedded", _embedded), ("Redis", _redis)):
            place = Path(folder, cache)
            place.mkdir()
            with cache_at(place) as url:
                if url:
                    changes = {"workers": WORKERS, "viewers": effort.viewers, "CACHE_URL": url}
                    with portal(place, upstream, **changes) as server:
                        _Scene(cache, server, upstream, crowd, load, effort).play(found)
        found.stale = stale.rounds(Path(folder), upstream, load, effort)
    return Results(found.tables(), found.targets())


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    yield "embedded"


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """Start Debian's Redis and yield its address, none where it is not installed."""
    if shutil.which("redis-server") is None:
        yield ""
        return
    with engines.redis(folder) as server:
        yield engines.redis_url(server.port)


@dataclass
class _Scene:
    """A portal, the viewers who crowd to it, and somebody who looks at another page meanwhile."""

    cache: str
    server: Server
    upstream: Upstream
    crowd: Child
    load: Child
    effort: Effort
    numbers: count[int] = field(default_factory=count)
    cpu_before: float = 0.0

    def play(self, found: Found) -> None:
        for _ in range(4 * WORKERS):
            self.server.get(history(UNRELATED))
        for _ in range(self.effort.crowds):
            found.cold.append(self._cold())
        for fault in self.effort.faults:
            quiet = self._looked(self.effort.hang_seconds)
            trouble, looked = self._in_trouble(fault)
            found.trouble.append(trouble)
            found.unrelated.append(_compared(self.cache, fault, quiet, looked))

    def _cold(self) -> Row:
        """One viewer alone, then all at once, each time on a history that nobody has read."""
        one = self._visit(self._new_instance(), 1)
        all_of_them = self._visit(self._new_instance(), self.effort.viewers)
        if one["with_content"] != 1 or all_of_them["with_content"] != self.effort.viewers:
            raise Failed(f"not every viewer saw the history: {one} {all_of_them}")
        return {**all_of_them, "alone": one["p50"]}

    def _visit(self, instance_id: str, viewers: int) -> Row:
        self._arrive(instance_id, viewers, insists=True)
        return self._left(instance_id)

    def _in_trouble(self, fault: str) -> tuple[Row, list[Row]]:
        """All arrive while DCS is in trouble with their history; somebody looks at the other page."""
        instance_id = self._new_instance()
        self.upstream.go_wrong(fault, of=instance_id)
        self._arrive(instance_id, self.effort.viewers, insists=fault == "hanging")
        looked = self._looked(self.effort.hang_seconds + RUSH)
        if fault == "hanging":
            self.upstream.heal()
        fared = self._left(instance_id)
        self.upstream.heal()
        return {"fault": fault, **fared}, looked

    def _new_instance(self) -> str:
        return f"records-{self.effort.records}-{next(self.numbers)}"

    def _arrive(self, instance_id: str, viewers: int, *, insists: bool) -> None:
        self.upstream.asked()
        self.cpu_before = self.server.cpu
        headers = [self.server.headers(viewer) for viewer in range(viewers)]
        for one in headers:
            del one["Accept-Encoding"]  # the crowd must read what it gets
        order = {"port": self.server.port, "path": history(instance_id), "headers": headers}
        self.crowd.tell(order | {"seconds": PATIENCE, "insists": insists})

    def _left(self, instance_id: str) -> Row:
        """Wait for all who have arrived, and tell how they fared and what DCS was asked."""
        told = self.crowd.answer()
        told["cpu"] = self.server.cpu - self.cpu_before
        asked = self.upstream.asked().get(instance_id, {})
        return {
            "cache": self.cache,
            **told,
            **{name: asked.get(name, 0) for name in ("walks", "pages", "shows")},
        }

    def _looked(self, seconds: float) -> list[Row]:
        """What each look at the unrelated page took: "at" which second, and how long it "waited"."""
        told = self.load.ask(
            {
                "port": self.server.port,
                "path": history(UNRELATED),
                "headers": [self.server.headers()],
                "status": 200,
                "connections": CONNECTIONS,
                "every": EVERY,
                "seconds": seconds,
            }
        )
        samples: list[Row] = told["samples"]
        return samples


def _compared(cache: str, fault: str, quiet: list[Row], looked: list[Row]) -> Row:
    def p99(samples: list[Row], *, since: float = 0.0) -> float:
        return percentile([one["waited"] for one in samples if one["at"] >= since], 0.99)

    before, after_rush = p99(quiet), p99(looked, since=RUSH)
    return {
        "cache": cache,
        "fault": fault,
        "quiet": before,
        "rush": p99(looked),
        "meanwhile": after_rush,
        "ratio": after_rush / before,
        "looks": len(looked),
    }
