"""Who signed in and out, who was refused, and who looked at which backups: one JSON line each.

The lines name people and what they saw, never tokens, codes or links.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dcsportal import metrics
from dcsportal.errors import OwnFailure
from dcsportal.middleware import client_address

logger = logging.getLogger("dcsportal.audit")

# The pages that show backups, by the names of their URLs.
VIEWED = (
    "history",
    "backup",
    "backups-json",
    "backups-csv",
    "recovery-point",
    "restores",
    "backup-restores",
    "history-ticket",
    "backup-ticket",
    "recovery-ticket",
)


def record(request: HttpRequest, event: str, viewer: Any = None, **fields: Any) -> None:
    line = {"event": event} | _person(viewer) | fields | {"from": client_address(request)}
    logger.info("%s", json.dumps(line, ensure_ascii=False), extra={"event": {"message": event} | line})
    if event == "sign-in":
        metrics.sign_in_ended("ok")


def refusal(request: HttpRequest, kind: str, reason: str, viewer: Any = None) -> None:
    record(request, "refusal", viewer, kind=kind, reason=reason[:300])


class BackupsViewed(MiddlewareMixin):
    """Writes a line for each answer that shows the backups of an instance."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # To ask who the viewer is once more would be to wait for a database that is away once more.
        if isinstance(response, OwnFailure):
            return response
        match = request.resolver_match
        viewer = getattr(request, "user", None)
        # 204 and 304 show nothing that was not on the screen before.
        if (
            match
            and match.url_name in VIEWED
            and viewer
            and viewer.is_authenticated
            and response.status_code not in (204, 304)
        ):
            fields = {
                "page": match.url_name,
                "project": match.kwargs.get("project_name"),
                "instance": match.kwargs.get("instance_id"),
                "backup": match.kwargs.get("backup_id"),
                "status": response.status_code,
            }
            record(request, "view", viewer, **fields)
        return response


def _person(viewer: Any) -> dict[str, Any]:
    if viewer is None:
        return {"who": None}
    return {"who": viewer.subject, "issuer": viewer.issuer, "name": viewer.name, "email": viewer.email}
