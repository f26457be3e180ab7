"""What a viewer is told when DCS could not be asked, refused, or did not make sense."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..dcs.errors import DcsAccessDenied, DcsAnswerGarbled, DcsError, DcsNotFound, DcsRequestRejected
from .words import Words

# DCS's statuses end here: a refusal or nonsense is a bad gateway, the rest may pass.
_BAD_GATEWAY_KINDS = frozenset((DcsAccessDenied.kind, DcsRequestRejected.kind, DcsAnswerGarbled.kind))
DEFAULT_RETRY_SECONDS = 5


@dataclass(frozen=True)
class Problem:
    """Why there is no new answer. `message` is DCS's own, redacted; `retry_at` is when asking makes sense."""

    kind: str
    http_status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_at: datetime | None = None

    @classmethod
    def of(cls, error: DcsError, now: datetime) -> Problem:
        after = error.retry_after
        return cls(
            kind=error.kind,
            http_status=error.http_status,
            code=error.error_code,
            message=error.message,
            request_id=error.request_id,
            retry_at=None if after is None else now + timedelta(seconds=min(after, 300)),
        )

    @property
    def page_status(self) -> int:
        """The portal's own HTTP status where nothing is cached that could be shown."""
        if self.kind == DcsNotFound.kind:
            return 404
        return 502 if self.kind in _BAD_GATEWAY_KINDS else 503

    def retry_after(self, now: datetime) -> int | None:
        """Whole seconds for a Retry-After header, None where waiting does not help."""
        if self.page_status != 503:
            return None
        if self.retry_at is None:
            return DEFAULT_RETRY_SECONDS
        return max(1, math.ceil((self.retry_at - now).total_seconds()))

    @property
    def title(self) -> Words:
        return _TITLES.get(self.kind, _TITLES["server_error"])

    @property
    def what_happened(self) -> Words:
        return _WHAT_HAPPENED.get(self.kind, _WHAT_HAPPENED["server_error"])

    @property
    def what_to_do(self) -> Words:
        return _WHAT_TO_DO.get(self.kind, _WHAT_TO_DO["server_error"])

    def for_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["retry_at"] = self.retry_at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.retry_at else None
        return {name: values[name] or None for name in values}

    def to_text(self) -> str:
        values = asdict(self)
        values["retry_at"] = self.retry_at.isoformat() if self.retry_at else None
        return json.dumps(values)

    @classmethod
    def from_text(cls, text: str) -> Problem | None:
        """Return what to_text wrote, None for what another version of the portal did."""
        try:
            values = json.loads(text)
            values["retry_at"] = datetime.fromisoformat(values["retry_at"]) if values["retry_at"] else None
            return cls(**values)
        except (ValueError, KeyError, TypeError):
            return None


_TITLES: dict[str, Words] = {
    "unreachable": _("DCS could not be reached"),
    "timed_out": _("DCS did not answer in time"),
    "cut_short": _("DCS's answer was cut short"),
    "server_error": _("DCS has an internal error"),
    "throttled": _("DCS asks for fewer calls"),
    "credentials_refused": _("DCS refused the portal's access key"),
    "access_denied": _("DCS does not permit the portal to read this"),
    "not_found": _("DCS does not know this instance"),
    "rejected": _("DCS rejected the request"),
    "garbled": _("DCS's answer made no sense"),
    "circuit_open": _("DCS is not being asked for a moment"),
    "being_read": _("The list is being read"),
}

_WHAT_HAPPENED: dict[str, Words] = {
    "unreachable": _("No connection to DCS could be made, so nobody knows now what backups there are."),
    "timed_out": _("DCS was asked and did not answer within the time allowed."),
    "cut_short": _("The connection ended in the middle of DCS's answer, several times."),
    "server_error": _("DCS was asked and answered with an error of its own."),
    "throttled": _("Too many calls reached DCS in a short time, from this portal or from others."),
    "credentials_refused": _(
        "The cloud did not accept the portal's access key. The portal makes no call with it for "
        "five minutes, because the cloud locks a key after five refusals."
    ),
    "access_denied": _("The portal's access key is valid, but lacks the permission for this call."),
    "not_found": _(
        "No instance with this id exists in this project. It may have been deleted, "
        "together with its backups."
    ),
    "rejected": _("DCS understood the request and refuses it."),
    "garbled": _(
        "What came back is not an answer of the DCS API. "
        "Often a proxy or a wrong endpoint answers in its place."
    ),
    "circuit_open": _(
        "Several calls in a row failed, so the portal waits a few seconds before it asks DCS again."
    ),
    "being_read": _("This history is long or DCS is slow. The portal goes on reading in the background."),
}

_WHAT_TO_DO: dict[str, Words] = {
    "unreachable": _("Try again in a moment. If it stays so, tell the portal's operators."),
    "timed_out": _("Try again in a moment. If it stays so, look at the cloud's status page."),
    "cut_short": _("Try again in a moment. If it stays so, tell the portal's operators."),
    "server_error": _("Try again in a moment. If it stays so, open a vendor ticket with the request id."),
    "throttled": _("Wait until the time given, then try again. Reloading sooner makes it longer."),
    "credentials_refused": _("Tell the portal's operators: the access key of this project must be checked."),
    "access_denied": _(
        "Tell the portal's operators: the key needs the permissions dcs:instance:getDataBackupLog, "
        "dcs:instance:list and dcs:instance:get."
    ),
    "not_found": _("Check the id and the project. The find box searches all your projects."),
    "rejected": _("Tell the portal's operators, with the code and the request id."),
    "garbled": _("Tell the portal's operators: the endpoint or a proxy between may be wrong."),
    "circuit_open": _("Try again in a moment."),
    "being_read": _("Reload this page in a few seconds."),
}
