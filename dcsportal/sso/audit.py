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
    *("history", "backup", "backups-json", "backups-csv", "recovery-point", "restores", "backup-restores"),
    *("history-ticket", "backup-ticket", "recovery-ticket"),
)


def record(request: HttpRequest, event: str, viewer: Any = None, **fields: Any) -> None:
    line: dict[str, Any] = {"event": event, "who": None}
    if viewer:
        line |= {"who": viewer.subject, "issuer": viewer.issuer, "name": viewer.name, "email": viewer.email}
    line |= fields | {"from": client_address(request)}
    logger.info("%s", json.dumps(line, ensure_ascii=False), extra={"event": {"message": event} | line})
    if event == "sign-in":
        metrics.SIGN_INS.labels("ok").inc()


def refusal(request: HttpRequest, kind: str, reason: str, viewer: Any = None) -> None:
    record(request, "refusal", viewer, kind=kind, reason=reason[:300])


class BackupsViewed(MiddlewareMixin):
    """Writes a line for each answer that shows the backups of an instance."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        match, status = request.resolver_match, response.status_code
        # 204 and 304 show nothing that was not on the screen before. After a failure of the portal itself,
        # to ask who the viewer is would be to wait for a database that is away once more.
        if (
            not match
            or match.url_name not in VIEWED
            or status in (204, 304)
            or isinstance(response, OwnFailure)
        ):
            return response
        viewer = getattr(request, "user", None)
        if viewer and viewer.is_authenticated:
            names = ("project", "project_name"), ("instance", "instance_id"), ("backup", "backup_id")
            shown = {field: match.kwargs.get(name) for field, name in names}
            record(request, "view", viewer, page=match.url_name, **shown, status=status)
        return response
