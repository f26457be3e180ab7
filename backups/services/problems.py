"""What a viewer is told when DCS could not be asked, refused, or did not make sense."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, override

from ..dcs.errors import (
    DcsAccessDenied,
    DcsAnswerGarbled,
    DcsError,
    DcsNotFound,
    DcsRequestRejected,
    canonical_code,
)
from .words import Words

# DCS's statuses end here: a refusal or nonsense is a bad gateway, the rest may pass.
_BAD_GATEWAY_KINDS = frozenset(
    (DcsAccessDenied.kind, DcsRequestRejected.kind, DcsAnswerGarbled.kind, "blocked", "unsupported")
)
DEFAULT_RETRY_SECONDS = 5


@dataclass(frozen=True)
class Progress:
    """How far a walk is that is under way; `pages_total` is None while DCS has not said how much there is."""

    pages_read: int
    pages_total: int | None
    records_read: int

    @property
    def sentence(self) -> str:
        """Return "7 of 20 pages read" in the viewer's language."""
        numbers = {"n": self.pages_read, "total": self.pages_total}
        if self.pages_total is None:
            return ngettext("%(n)d page read", "%(n)d pages read", self.pages_read) % numbers
        return (
            ngettext("%(n)d of %(total)d page read", "%(n)d of %(total)d pages read", self.pages_total)
            % numbers
        )


@dataclass(frozen=True)
class Problem:
    """Why there is no new answer.

    `message` is DCS's own where there is an `http_status`, redacted. `asked_at` is when DCS
    failed to answer, `retry_at` when asking again makes sense. `progress` is of a list that is being read,
    `watched_since` is when a list was read first that is asked for `as_of` an earlier time (None: never).
    """

    kind: str
    http_status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_at: datetime | None = None
    asked_at: datetime | None = None
    progress: Progress | None = None
    as_of: datetime | None = None
    watched_since: datetime | None = None

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
            asked_at=now,
        )

    @property
    def page_status(self) -> int:
        """The portal's own HTTP status where nothing is cached that could be shown."""
        if self.kind in (DcsNotFound.kind, "not_watched"):
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
        return self._words[0]

    @property
    def what_happened(self) -> Words:
        return self._words[1]

    @property
    def what_to_do(self) -> Words:
        return self._words[2]

    @property
    def _words(self) -> tuple[Words, Words, Words]:
        of_kind = _WORDS.get(self.kind, _WORDS["server_error"])
        return _WORDS_OF_CODE.get((self.kind, canonical_code(self.code)), of_kind)

    def for_json(self) -> dict[str, Any]:
        """Return it for programs: where DCS said nothing, the portal's own words stand in English."""
        values = asdict(self)
        if not self.message:
            with override("en"):
                values["message"] = f"{self.title}. {self.what_happened}"
        for name in ("asked_at", "progress", "as_of", "watched_since"):
            del values[name]
        values["retry_at"] = self.retry_at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.retry_at else None
        return {name: values[name] or None for name in values}


# Words -----------------------------------------------------------------------
# What it is called, what happened, and what the viewer can do.

_TELL_THE_OPERATORS: Words = _("Try again in a moment. If it keeps failing, contact the portal's operators.")

_WORDS: dict[str, tuple[Words, Words, Words]] = {
    "unreachable": (
        _("DCS could not be reached"),
        _("The portal could not connect to DCS, so it cannot tell which backups there are."),
        _TELL_THE_OPERATORS,
    ),
    "timed_out": (
        _("DCS did not answer in time"),
        _("The portal asked DCS and got no answer in time."),
        _("Try again in a moment. If it keeps failing, check the cloud's status page."),
    ),
    "cut_short": (
        _("DCS's answer was cut short"),
        _("The connection broke several times in the middle of DCS's answer."),
        _TELL_THE_OPERATORS,
    ),
    "server_error": (
        _("DCS has an internal error"),
        _("DCS received the request, but answered with an error of its own."),
        _("Try again in a moment. If it keeps failing, open a vendor ticket with the request id."),
    ),
    "throttled": (
        _("DCS is throttling calls"),
        _("Too many calls reached DCS in a short time, from this portal or from others."),
        _("Try again after the time shown. The portal makes no calls before then."),
    ),
    "credentials_refused": (
        _("DCS refused the portal's access key"),
        _(
            "The cloud did not accept the portal's access key. The portal stops using it for five "
            "minutes, because the cloud locks a key after five refusals."
        ),
        _("Ask the portal's operators to check the access key of this project."),
    ),
    "access_denied": (
        _("DCS does not let the portal read this"),
        _("The portal's access key is valid, but has no permission for this call."),
        _(
            "Ask the portal's operators to give the key the permissions "
            "dcs:instance:getDataBackupLog, dcs:instance:list and dcs:instance:get."
        ),
    ),
    "blocked": (
        _("Something between the portal and DCS blocked the call"),
        _("It was not DCS or the cloud's gateway: a firewall or a proxy on the way blocked the call."),
        _("Ask the portal's operators to let its calls to DCS through the firewall or the proxy."),
    ),
    "not_found": (
        _("DCS does not know this instance"),
        _("This project has no instance with this id. It may have been deleted, together with its backups."),
        _("Check the id and the project. The find box searches all your projects."),
    ),
    "rejected": (
        _("DCS rejected the request"),
        _("DCS understood the request, but refused it."),
        _("Report it to the portal's operators with the code and the request id."),
    ),
    "unsupported": (
        _("This kind of instance has no backups"),
        _(
            "According to DCS, only instances with a standby can be backed up and restored, and this "
            "one has none."
        ),
        _("Nothing is wrong with the portal. Recover the data from its original source."),
    ),
    "garbled": (
        _("DCS's answer could not be understood"),
        _(
            "What came back is not a response of the DCS API. Often a proxy or a wrong endpoint "
            "answers instead."
        ),
        _("Ask the portal's operators to check the endpoint and any proxy on the way."),
    ),
    "circuit_open": (
        _("Calls to DCS are paused for a moment"),
        _("Several calls in a row failed, so the portal waits a few seconds before it calls DCS again."),
        _("Try again in a moment."),
    ),
    "being_read": (
        _("The list is being read"),
        _("This history is long, or DCS is slow. The portal keeps reading in the background."),
        _("Reload this page in a few seconds."),
    ),
    "not_watched": (
        _("The portal was not watching this list yet"),
        _("The portal had not read this list by then, so what it held is not known."),
        _("You can open the list as it is now."),
    ),
    "portal_error": (
        _("The portal failed to read the list"),
        _("An error in the portal itself stopped the reading: what DCS holds now is not known."),
        _TELL_THE_OPERATORS,
    ),
}

PROBLEM_KINDS = tuple(_WORDS)

_WRONG_PROJECT: tuple[Words, Words, Words] = (
    _("DCS does not accept the portal's key for this project"),
    _(
        "According to the cloud, the key does not belong to this project or region. The portal "
        "stops using it for five minutes, because the cloud locks a key after five refusals."
    ),
    _("Tell the portal's operators that project id, region and key of this project do not match."),
)

_WORDS_OF_CODE: dict[tuple[str, str], tuple[Words, Words, Words]] = {
    ("credentials_refused", "APIGW.0307"): _WRONG_PROJECT,
    ("credentials_refused", "DCS.1004"): _WRONG_PROJECT,
    ("access_denied", "APIGW.0302"): (
        _("The cloud's gateway does not let the portal call this API"),
        _("The user of the portal's access key is on the API's blacklist, or not on its whitelist."),
        _("Ask the portal's operators to have the gateway let this user through."),
    ),
    ("rejected", "APIGW.0101"): (
        _("There is no DCS API at this endpoint"),
        _("The cloud's gateway does not know this API. Usually the region or the endpoint is wrong."),
        _("Ask the portal's operators to check the region and the endpoint of this project."),
    ),
    ("rejected", "DCS.4061"): (
        _("This is not a valid instance id"),
        _("According to DCS, the format of the id is wrong."),
        _("Check the id: a character may be missing. The find box searches all your projects."),
    ),
}
