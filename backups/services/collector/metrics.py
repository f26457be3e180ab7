"""What the collector counts for Prometheus, in the process that it runs in."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge

_CALLS = Counter("dcs_portal_collector_calls", "Calls to DCS that no viewer had asked for.", ["project"])
_HERE = Gauge(
    "dcs_portal_collector_here", "Whether a process of this server collects.", multiprocess_mode="livesum"
)


def calls(project: str, count: int) -> None:
    _CALLS.labels(project).inc(count)


def collects(is_here: bool) -> None:
    _HERE.set(is_here)


def begin(projects: Iterable[str]) -> None:
    """Let every series exist before its first event: an increase from nothing is none to Prometheus."""
    for project in projects:
        _CALLS.labels(project)
