"""What has become of the answer to a recovery point since its link was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..evidence import BackupSince, backup_since, evidence_of, list_as_of
from ..listings import Listing, row_id
from ..projects import Project
from .point import RecoveryPoint, recovery_point


@dataclass(frozen=True)
class RecoverySince:
    """The answer then and now, and what became of the backup that it was then."""

    then: RecoveryPoint
    now: RecoveryPoint
    answer_since: BackupSince | None

    @property
    def is_unchanged(self) -> bool:
        """Whether the answer is the same backup, or there is none as before."""
        then, now = self.then.answer, self.now.answer
        return then is now if then is None or now is None else then.record.key == now.record.key


def recovery_since(
    project: Project,
    instance_id: str,
    listing: Listing[BackupRecord],
    point: RecoveryPoint,
    *,
    seen: datetime,
) -> RecoverySince:
    """Compare the answer that a link gave with the one of now. Raises NotWatched and django.db.Error."""
    then = recovery_point(list_as_of(project, instance_id, seen), point.at, now=seen)
    known = evidence_of(listing, [row_id(then.answer.record)]) if then.answer else {}
    since = next((backup_since(listing, evidence, seen) for evidence in known.values()), None)
    return RecoverySince(then, point, since)
