"""A history whose cached listing has grown old while DCS hangs: is it as fast as when DCS is well?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from .effort import Effort
from .http import get
from .portal import Server, history, portal
from .processes import Child, wait_until
from .upstream import Upstream

FRESH_SECONDS = 4
WARM_VIEWS = 20

Row = dict[str, Any]


def rounds(folder: Path, upstream: Upstream, load: Child, effort: Effort) -> list[Row]:
    """Look at one history in turns, fresh while DCS is well and old while it hangs."""
    place = folder / "stale"
    place.mkdir()
    settings = {"DCS_FRESH_SECONDS": str(FRESH_SECONDS)}
    with portal(place, upstream, viewers=effort.viewers, **settings) as server:
        return _Look(server, load, f"records-{effort.records}-stale", effort).rounds(upstream)


@dataclass
class _Look:
    server: Server
    load: Child
    instance_id: str
    effort: Effort
    asked: count[int] = field(default_factory=count)

    def rounds(self, upstream: Upstream) -> list[Row]:
        found, generation = [], None
        for _ in range(WARM_VIEWS):
            self.server.get(history(self.instance_id))
        for _ in range(self.effort.crowds):
            # As fresh as can be, so that it stays so while it is looked at.
            generation = self._wait_for(
                "a new reading", lambda told, old=generation: told["generation"] != old
            )
            well = self._looked()
            upstream.go_wrong("hanging", of=self.instance_id)
            self._wait_for("an old listing", lambda told: told["source"] == "stale")
            hanging = self._looked()
            upstream.heal()
            found.append({"well": well, "hanging": hanging})
        return found

    def _wait_for(self, what: str, is_so: Callable[[Row], bool]) -> str:
        """Ask until the listing is as wanted; return its generation."""
        told: Row = {}

        def happened() -> bool:
            told.update(self._listing())
            return is_so(told)

        wait_until(happened, what)
        return str(told["generation"])

    def _listing(self) -> Row:
        # Each viewer may export so often in a minute.
        viewer = next(self.asked) % len(self.server.cookies)
        headers = self.server.headers(viewer) | {"Accept-Encoding": "identity"}
        path = history(self.instance_id, "range=24h", "backups.json")
        told: Row = json.loads(self.server.ask(get(self.server.port, path, headers)).body)
        return told

    def _looked(self) -> Row:
        before = self.server.cpu
        told = self.load.ask(
            {
                "port": self.server.port,
                "path": history(self.instance_id),
                "headers": [self.server.headers()],
                "status": 200,
                "connections": 2,
                "seconds": min(self.effort.page_seconds * 2, FRESH_SECONDS / 2),
            }
        )
        return {"p50": told["p50"], "p99": told["p99"], "cpu": (self.server.cpu - before) / told["requests"]}
