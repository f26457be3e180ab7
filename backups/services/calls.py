"""Every request to DCS leaves a log line, and is counted."""

from __future__ import annotations

import logging

from ..dcs.client import Asked
from . import metrics

log = logging.getLogger(__name__)


def dcs_was_asked(project: str, asked: Asked) -> None:
    """Note one request of a project's client, by the project's short name."""
    metrics.upstream_call(project, asked.outcome, asked.seconds)
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
        logging.INFO if asked.outcome == "ok" else logging.WARNING,
        "%s of project %s: %s, %.0f ms%s",
        asked.call,
        project,
        asked.outcome.replace("_", " "),
        asked.seconds * 1000,
        f", request id {asked.request_id}" if asked.request_id else "",
        extra={"event": event},
    )
