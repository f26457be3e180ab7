"""One reading of a list, compared with what was known, and how it is written."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from django.dispatch import Signal

from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...dcs.walk import Walk
from ...models import CloudProject, Instance, InstanceSummary, Note
from ..problems import Problem
from ..projects import CLOUD_ID, Project
from . import store
from .generations import Cached, Generation, Pointer
from .subjects import Subject

# So few that whoever waits for SQLite, as a sign-in does, waits for a moment only.
CHUNK = 100
_KNOWN = ("facts", "verdict", "reason", "since", "holds_until", "instance__shown")


@dataclass(frozen=True)
class Recorded:
    """What was recorded of a list: a reading, of which it is the newest, or why there was none.

    `instance` is the row of the list's instance, 0 where it has none. `same_since` is when the reading before
    was made, if that said the same.
    """

    subject: Subject
    at: datetime
    instance: int = 0
    generation: Generation | None = None
    records: tuple[Any, ...] = ()
    problem: Problem | None = None
    same_since: datetime | None = None

    @cached_property
    def row(self) -> InstanceSummary | None:
        """What was known of the instance at a glance before this. Raises django.db.Error."""
        known = InstanceSummary.objects.select_related("instance").only(*_KNOWN)
        return next(iter(known.filter(pk=self.instance)), None)


# Sent with `recorded` once what it tells is in the database.
reading_recorded = Signal()


def tell(recorded: Recorded) -> None:
    """Tell whoever makes something of it; a busy database costs that, and not the reading."""
    store.asked(lambda: reading_recorded.send(sender=Recorded, recorded=recorded), None)


class Overtaken(Exception):
    """Another reading was written since this one was compared with what is known."""


class Recording:
    """One reading, compared with what was known: `new` is the generation that it makes."""

    new: Cached

    def __init__(self, subject: Subject, walk: Walk[Any], read_at: datetime, pointer: Pointer) -> None:
        self.subject, self.walk, self.read_at = subject, walk, read_at
        self.pointer, self.previous = pointer, pointer.generation
        self.compare()

    @property
    def is_late(self) -> bool:
        """Whether a reading that is not older is known already: this one came late, and is dropped."""
        return self.previous is not None and self.previous.read_at >= self.read_at

    def compare(self) -> None:
        raise NotImplementedError

    def write_rows(self) -> Generation:
        """Write what has changed and the list's note, and return the generation with its rows."""
        raise NotImplementedError

    def says_the_same(self, digest: str) -> bool:
        previous = self.previous
        return previous is not None and previous.digest == digest and not previous.missing_since

    def write(self) -> Generation | None:
        """Write what is new, and return what all can see now. Raises Overtaken and django.db.Error."""
        if not self.says_the_same(self.new.generation.digest):
            return self.write_rows()
        self.claim(self.pointer.text, self.new.generation)
        return self.new.generation

    def generation(self, digest: str, **more: Any) -> Generation:
        """Return the generation of this reading, of the list and the rows of the one before."""
        known = self.previous or Generation(generation="", read_at=self.read_at, watched_since=self.read_at)
        walk = self.walk
        facts: dict[str, Any] = {
            "generation": secrets.token_hex(8),
            "read_at": self.read_at,
            "running": any(getattr(record, "is_running", False) for record in walk.records),
            "request_ids": tuple(page.request_id for page in walk.pages if page.request_id),
            "digest": digest,
            "missing_since": None,
            "writer": "",
        }
        facts |= {name: getattr(walk, name) for name in ("promised", "moved", "truncated", "cut_short")}
        return replace(known, **(facts | more))

    def digest(self, digests: Iterable[bytes], *more: object) -> str:
        walk = self.walk
        flags = walk.promised, walk.moved, walk.truncated, walk.cut_short, *more
        return digest_of(repr(flags).encode() + b"".join(sorted(digests))).hex()

    def claim(self, old: str, new: Generation | str) -> str:
        """Change the list's note and return it, at the end of a transaction. Raises Overtaken."""
        key, text = self.subject.pointer_key, new if isinstance(new, str) else store.encoded(new)
        if not old:
            Note.objects.bulk_create([Note(key=key, text="")], ignore_conflicts=True)
        if not store.replace(key, old, text):
            raise Overtaken
        return text


def row_id(record: BackupRecord | InstanceRecord) -> str:
    """Return the id under which a record has its row; one that no address could name has a digest for it."""
    own = record.backup_id if isinstance(record, BackupRecord) else record.instance_id
    if CLOUD_ID.fullmatch(own):
        return own
    if isinstance(record, BackupRecord):  # of what DCS says, whether or not its list still holds it
        record = msgspec.structs.replace(record, presence="listed")
    return f"~{digest_of(repr(record).encode()).hex()}"


def digest_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=12).digest()


def instance_row(subject: Subject, at: datetime) -> Instance:
    """Return the row of an instance of which DCS has told something, a new one where there was none."""
    project = cloud_project(subject.project)
    found, _ = Instance.objects.get_or_create(
        project=project, instance_id=subject.instance_id, defaults={"first_seen": at}
    )
    return found


def cloud_project(project: Project) -> CloudProject:
    found, _ = CloudProject.objects.get_or_create(
        endpoint=project.endpoint,
        project_id=project.project_id,
        defaults={"region": project.region, "name": project.name},
    )
    return found
