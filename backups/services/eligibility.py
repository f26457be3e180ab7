"""The restore verdict of one backup record, with its reasons.

The service's own word (`is_support_restore`) and the portal's verdict are kept apart. DCS restores only from
a backup that succeeded (its error DCS.4087), so TRUE beside any other status is shown as a contradiction.
When the service says FALSE it gives no reason; the portal invents none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..dcs.records import BackupRecord

Verdict = Literal["yes", "no", "unknown"]

_REASON_OF_STATUS = {
    "waiting": "waiting",
    "backuping": "in_progress",
    "failed": "failed",
    "expired": "expired",
    "deleted": "deleted",
}
DID_NOT_RUN = "dcs.08.0008"
_FOLLOW_FROM_STATUS = {*_REASON_OF_STATUS.values(), "did_not_run"}


@dataclass(frozen=True)
class Eligibility:
    """`reasons` are stable codes; their words are in `words.REASON_WORDS`."""

    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Succeeded and restorable: what the recovery finder may pick."""
        return self.verdict == "yes"

    @property
    def own_reasons(self) -> tuple[str, ...]:
        """Those that do not follow from the status."""
        return tuple(reason for reason in self.reasons if reason not in _FOLLOW_FROM_STATUS)

    @property
    def contradiction(self) -> bool:
        return "contradiction" in self.reasons


_NOT_THERE = {
    "unlisted": Eligibility("no", ("not_listed",)),
    "missing": Eligibility("unknown", ("missing",)),
}
# By DCS's own word.
_SUCCEEDED = {
    True: Eligibility("yes", ()),
    False: Eligibility("no", ("dcs_says_no",)),
    None: Eligibility("unknown", ("dcs_does_not_say",)),
}


def eligibility(record: BackupRecord) -> Eligibility:
    """Return the verdict on one record: "yes" only where it succeeded, DCS says TRUE and still lists it."""
    if record.presence != "listed":
        return _NOT_THERE[record.presence]
    if record.status == "succeed":
        return _SUCCEEDED[record.restorable]
    reason = _REASON_OF_STATUS.get(record.status)
    if reason is None:
        # It may yet be one that can be restored, unless DCS says no.
        reason = "unknown_status" if record.status else "no_status"
        says_no = record.restorable is False
        return Eligibility("no", (reason, "dcs_says_no")) if says_no else Eligibility("unknown", (reason,))
    if record.status == "failed" and record.error_code == DID_NOT_RUN:
        reason = "did_not_run"
    return Eligibility("no", (reason, "contradiction") if record.restorable else (reason,))
