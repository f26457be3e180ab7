"""This process's clients of DCS, one for each project; each request leaves a log line and is counted."""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial
from typing import Any

from django.conf import settings

from ...dcs.client import Asked, DcsClient
from ..projects import Project
from . import metrics

log = logging.getLogger(__name__)

# What DCS last said is news for that long.
NEWS_SECONDS = 900.0
# DCS answers well also where it does not know an instance, or rejects a wrong id.
_WELL = frozenset({"ok", "not_found", "rejected"})

# Whether a project's last request went well, and when that was.
_last: dict[str, tuple[bool, float]] = {}


def client_for(project: Project, *, repeats: bool = True) -> DcsClient:
    """Return this process's client of a project; it keeps its connections open.

    Without `repeats` it makes no call again that failed, and logs only what went wrong.
    """
    return _client(project, settings.DCS_CONNECT_TIMEOUT, settings.DCS_READ_TIMEOUT, repeats)


@lru_cache(maxsize=64)
def _client(project: Project, connect_timeout: float, read_timeout: float, repeats: bool) -> DcsClient:
    options: dict[str, Any] = {} if repeats else {"pauses": ()}
    return DcsClient(
        endpoint=project.endpoint,
        project_id=project.project_id,
        credentials=project.credentials,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        observe=partial(_observe, project.name, logging.INFO if repeats else logging.DEBUG),
        **options,
    )


def _observe(project: str, level: int, asked: Asked) -> None:
    _last[project] = (asked.outcome in _WELL, time.monotonic())
    metrics.CALLS.labels(project, asked.outcome).inc()
    metrics.CALL_SECONDS.labels(project).observe(asked.seconds)
    event = {
        "event": "dcs call",
        "project": project,
        "call": asked.call,
        "outcome": asked.outcome,
        "http_status": asked.http_status,
        "error_code": asked.error_code or None,
        "dcs_request_id": asked.request_id or None,
        "ms": round(asked.seconds * 1000, 1),
    }
    log.log(
        level if asked.outcome == "ok" else logging.WARNING,
        "%s of project %s: %s, %.0f ms%s",
        asked.call,
        project,
        asked.outcome.replace("_", " "),
        asked.seconds * 1000,
        f", request id {asked.request_id}" if asked.request_id else "",
        extra={"event": event},
    )


def dcs_state(now: float) -> str:
    """Return how this process's last calls went, over all projects; `now` is a value of time.monotonic().

    No project is named: whoever asks may not know which there are.
    """
    news = {well for well, asked_at in list(_last.values()) if now - asked_at < NEWS_SECONDS}
    if not news:
        return "unknown"
    if len(news) == 2:
        return "partly failing"
    return "ok" if True in news else "failing"
