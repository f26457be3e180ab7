"""A history whose cached listing has grown old while DCS hangs: is it as fast as when DCS is well?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .effort import Effort
from .portal import Server, history, portal
from .processes import Child, wait_until
from .upstream import Upstream

FRESH_SECONDS = 3

Row = dict[str, Any]


def rounds(folder: Path, upstream: Upstream, load: Child, effort: Effort) -> list[Row]:
    """Look at one history in turns, fresh while DCS is well and stale while it hangs."""
    place = folder / "stale"
    place.mkdir()
    instance_id = f"records-{effort.records}-stale"
    found = []
    with portal(place, upstream, DCS_FRESH_SECONDS=str(FRESH_SECONDS)) as server:
        for _ in range(effort.crowds):
            _wait_for(server, instance_id, "cache")
            well = _looked(server, load, instance_id, effort)
            upstream.go_wrong("hanging", of=instance_id)
            _wait_for(server, instance_id, "stale")
            hanging = _looked(server, load, instance_id, effort)
            upstream.heal()
            found.append({"well": well, "hanging": hanging})
    return found


def _wait_for(server: Server, instance_id: str, source: str) -> None:
    """Ask until the listing is served as fresh ("cache") or as old ("stale")."""

    def is_so() -> bool:
        answer = server.get(
            history(instance_id, "range=24h", "backups.json"), **{"Accept-Encoding": "identity"}
        )
        return bool(json.loads(answer.body).get("source") == source)

    wait_until(is_so, f"a listing from {source}")


def _looked(server: Server, load: Child, instance_id: str, effort: Effort) -> Row:
    before = server.cpu
    told = load.ask(
        {
            "port": server.port,
            "path": history(instance_id),
            "headers": [server.headers()],
            "status": 200,
            "connections": 2,
            "seconds": min(effort.page_seconds * 2, FRESH_SECONDS / 2),
        }
    )
    return {"p50": told["p50"], "p99": told["p99"], "cpu": (server.cpu - before) / told["requests"]}
