"""Keeps what was read: a reading of a list becomes the list's current generation, and rows of evidence.

A reading is shown to the viewers of its process first, and written behind them. What has not changed costs
one narrow update. A large one is written in chunks, so that nobody's sign-in waits, and its note last: what
a killed process leaves behind was never told, and the next reading sets it right. Only a whole reading
proves that a record is gone; that over half of a list is gone, only a second one a minute later.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from django.db import connection, transaction

from ...dcs.pages import backups_of_raw, raw_backups
from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...dcs.walk import Walk
from ...models import Backup, Change, CloudProject, Instance, Note, Reading
from ..problems import Problem
from ..projects import CLOUD_ID, Project
from . import generations, rows, store
from .generations import Cached, DecodedRecords, Generation, Pointer
from .subjects import Subject

log = logging.getLogger(__name__)

# So few that whoever waits for SQLite, as a sign-in does, waits for a moment only.
CHUNK = 100
CONFIRMED_AFTER = timedelta(seconds=60)
_TRIES = 3


class _Overtaken(Exception):
    """Another reading was written since this one was compared with what is known."""


def accept(subject: Subject, walk: Walk[Any], *, read_at: datetime) -> Recording:
    """Make a reading the current generation in this process; `write` then tells all others."""
    recording = _recording(subject, walk, read_at, generations.current(subject))
    if not recording.is_late:
        generations.publish(subject, recording.new)
    return recording


def _recording(subject: Subject, walk: Walk[Any], read_at: datetime, pointer: Pointer) -> Recording:
    kinds = {"backups": _BackupsRecording, "restores": _RestoresRecording}
    return kinds.get(subject.kind, _InstancesRecording)(subject, walk, read_at, pointer)


class Recording:
    """One reading, compared with what was known: `new` is the generation that it makes."""

    new: Cached

    def __init__(self, subject: Subject, walk: Walk[Any], read_at: datetime, pointer: Pointer) -> None:
        self.subject, self.walk, self.read_at = subject, walk, read_at
        self.pointer, self.previous = pointer, pointer.generation
        self.key = generations.pointer_key(subject)
        self._compare()

    @property
    def is_late(self) -> bool:
        """Whether a reading that is not older is known already: this one came late, and is dropped."""
        return self.previous is not None and self.previous.read_at >= self.read_at

    def _compare(self) -> None:
        raise NotImplementedError

    def _write_rows(self) -> Generation:
        """Write what has changed, and return the generation with its rows."""
        raise NotImplementedError

    def write(self) -> None:
        """Write it, unless a newer one was written meanwhile; a full or busy database costs a gap."""
        store.asked(self._write, None)

    def _write(self) -> None:
        recording = self
        for _ in range(_TRIES):
            try:
                text = recording._written()
            except _Overtaken:
                pointer = generations.look_up(self.subject)
                if pointer.generation and pointer.generation.read_at >= self.read_at:
                    generations.written(self.subject, pointer)
                    return
                recording = _recording(self.subject, self.walk, self.read_at, pointer)
            else:
                pointer = Pointer.of(text)
                generations.written(self.subject, pointer)
                self.new.decoded.instance = pointer.generation.instance if pointer.generation else 0
                self.new.decoded.sent = {}
                return
        log.warning("a reading of %s could not be kept: others were written meanwhile", self.subject.kind)

    def _written(self) -> str:
        """Write it and return the list's note. Raises _Overtaken and django.db.Error."""
        new, previous = self.new.generation, self.previous
        if self.is_late:
            raise _Overtaken
        if not (previous and previous.digest == new.digest and not previous.missing_since):
            return store.encoded(self._write_rows())
        text = store.encoded(new)
        if not store.replace(self.key, self.pointer.text, text):
            raise _Overtaken
        return text

    def _generation(self, *, digest: str, **more: Any) -> Generation:
        """Return the generation of this reading, of the list and the rows of the one before."""
        known = self.previous or Generation(generation="", read_at=self.read_at, watched_since=self.read_at)
        walk = self.walk
        facts: dict[str, Any] = {
            "generation": secrets.token_hex(8),
            "read_at": self.read_at,
            "promised": walk.promised,
            "moved": walk.moved,
            "truncated": walk.truncated,
            "cut_short": walk.cut_short,
            "running": any(getattr(record, "is_running", False) for record in walk.records),
            "request_ids": tuple(page.request_id for page in walk.pages if page.request_id),
            "digest": digest,
            "missing_since": None,
            "writer": "",
        }
        return replace(known, **(facts | more))

    def _digest(self, digests: Iterable[bytes], *more: object) -> str:
        walk = self.walk
        flags = walk.promised, walk.moved, walk.truncated, walk.cut_short, *more
        return _digest_of(repr(flags).encode() + b"".join(sorted(digests))).hex()

    def _claim(self, old: str, new: str) -> None:
        """Change the list's note within a transaction, and with it hold up whoever else would."""
        if not old:
            Note.objects.bulk_create([Note(key=self.key, text="")], ignore_conflicts=True)
        if not store.replace(self.key, old, new):
            raise _Overtaken


def row_id(record: BackupRecord | InstanceRecord) -> str:
    """Return the id under which a record has its row; one that no address could name has a digest for it."""
    own = record.backup_id if isinstance(record, BackupRecord) else record.instance_id
    return own if CLOUD_ID.fullmatch(own) else f"~{_digest_of(repr(record).encode()).hex()}"


def _digest_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=12).digest()


def _chunks(items: Iterable[Any], size: int = CHUNK) -> Iterable[list[Any]]:
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk


# Histories ------------------------------------------------------------------------


class _BackupsRecording(Recording):
    def _compare(self) -> None:
        self.records: dict[str, BackupRecord] = {}
        self.sent: dict[str, bytes] = {}
        for page in self.walk.pages:
            for record, sent in raw_backups(page):
                one = row_id(record)
                # A repeated walk has both passes, the newer one first: its word wins.
                if one not in self.sent:
                    self.records[one], self.sent[one] = record, sent
        self.digests = digests = {one: _digest_of(sent) for one, sent in self.sent.items()}
        self.is_whole = self.walk.complete and self.subject.window is None
        previous = self.previous
        self.known: Mapping[str, bytes] = {}
        self.missing: set[str] = set()
        self.is_doubtful = False
        digest = self._digest(digests.values())
        if previous and previous.digest == digest and not previous.missing_since:
            decoded = generations.in_memory(self.subject, previous)
            decoded = decoded or DecodedRecords(self.walk.records, digests)
            self.new = Cached(self._generation(digest=digest), decoded)
            return
        instance = store.asked(self._instance_known, 0)
        before = store.asked(lambda: self._known(instance), DecodedRecords[BackupRecord](()))
        self.known = before.digests
        self.missing = {one for one in self.known if one not in digests}
        missing_since = previous.missing_since if previous else None
        is_confirmed = missing_since is not None and self.read_at - missing_since >= CONFIRMED_AFTER
        self.is_doubtful = (
            self.is_whole
            and previous is not None
            and len(self.missing) * 2 > len(self.known)
            and not is_confirmed
        )
        records = self.walk.records
        if not self.is_whole or self.is_doubtful:
            kept = [one for one in before.records if row_id(one) in self.missing]
            if self.is_doubtful:
                kept = [msgspec.structs.replace(one, presence="missing") for one in kept]
            records += tuple(kept)
            digests = digests | {one: self.known[one] for one in map(row_id, kept)}
            digest = self._digest(digests.values(), self.is_doubtful)
        if self.is_doubtful:
            missing_since = missing_since or self.read_at
        elif self.is_whole:
            missing_since = None
        new = self._generation(digest=digest, instance=instance, missing_since=missing_since)
        self.new = Cached(new, DecodedRecords(records, digests))
        self.new.decoded.sent = self.sent

    def _known(self, instance: int) -> DecodedRecords[BackupRecord]:
        """Return what the list holds by what is known: from memory, else from its rows."""
        if self.previous and self.previous.digest:
            decoded = generations.in_memory(self.subject, self.previous)
            if decoded:
                return decoded
        return DecodedRecords(*rows.listed(instance))

    def _write_rows(self) -> Generation:
        known, digests = self.known, self.digests
        added = [one for one in digests if one not in known]
        changed = [one for one, digest in digests.items() if known.get(one, digest) != digest]
        gone = sorted(self.missing) if self.is_whole else []
        work = [("row", one) for one in (*added, *changed)] + [("gone", one) for one in gone]
        if len(work) <= CHUNK:
            with transaction.atomic():
                instance = self._instance()
                new = self._with_reading(instance, is_silent=self._is_silent(instance, added, changed, gone))
                self._write_chunk(new, work)
                new = self._finished(new)
                self._claim(self.pointer.text, store.encoded(new))
            return new
        # What others see meanwhile is the list of before, told by its rows of then.
        writer = secrets.token_hex(8)
        text = store.encoded(replace(self.previous, digest="", writer=writer)) if self.previous else writer
        with transaction.atomic():
            self._claim(self.pointer.text, text)
            new = self._with_reading(self._instance(), is_silent=False)
        for chunk in _chunks(work):
            began = time.monotonic()
            with transaction.atomic():
                self._claim(text, text)
                self._write_chunk(new, chunk)
            if connection.vendor == "sqlite":
                # It has one writer at a time; who waits looks only now and then: half of the time is theirs.
                time.sleep(time.monotonic() - began)
        with transaction.atomic():
            new = self._finished(new)
            self._claim(text, store.encoded(new))
        return new

    def _instance_known(self) -> int:
        if self.previous and self.previous.instance:
            return self.previous.instance
        return rows.instances_of(self.subject).values_list("pk", flat=True).first() or 0

    def _instance(self) -> int:
        if self.new.generation.instance:
            return self.new.generation.instance
        instance, _ = Instance.objects.get_or_create(
            project=_project(self.subject.project),
            instance_id=self.subject.instance_id,
            defaults={"first_seen": self.read_at},
        )
        return instance.pk

    def _with_reading(self, instance: int, *, is_silent: bool) -> Generation:
        previous = self.previous
        if previous and is_silent:
            return replace(self.new.generation, instance=instance, reading=previous.reading)
        if previous and previous.reading:
            Reading.objects.filter(pk=previous.reading).update(last_at=previous.read_at)
        reading = Reading.objects.create(
            instance_id=instance,
            previous_id=previous.reading if previous and previous.reading else None,
            first_at=self.read_at,
            last_at=self.read_at,
            is_whole=self.is_whole,
            is_doubtful=self.is_doubtful,
            total=len(self.walk.records),
        )
        return replace(self.new.generation, instance=instance, reading=reading.pk)

    def _is_silent(self, instance: int, added: list[str], changed: list[str], gone: list[str]) -> bool:
        """Whether nothing has changed but how far running backups are: that is no new reading."""
        previous = self.previous
        if added or gone or not changed or previous is None or previous.missing_since:
            return False
        if (previous.complete, previous.promised) != (self.walk.complete, self.walk.promised):
            return False
        before = Backup.objects.filter(instance=instance, backup_id__in=changed)
        return all(
            _is_silent_change(bytes(record), self.records[one])
            for one, record in before.values_list("backup_id", "record")
        )

    def _write_chunk(self, new: Generation, work: Sequence[tuple[str, str]]) -> None:
        gone = [one for kind, one in work if kind == "gone"]
        Backup.objects.filter(instance=new.instance, backup_id__in=gone, gone=None).update(gone=new.reading)
        self._write_records(new, [one for kind, one in work if kind == "row"])

    def _write_records(self, new: Generation, ids: Sequence[str]) -> None:
        changes: list[Change] = []
        there = Backup.objects.filter(instance=new.instance, backup_id__in=ids).select_related("gone")
        for row in there:
            before, one = bytes(row.record), row.backup_id
            if row.gone and not row.gone.is_doubtful:
                changes.append(Change(backup=row, reading=row.gone, before=before))
                changes.append(Change(backup=row, reading_id=new.reading, before=b""))
            elif before != self.sent[one] and not _is_silent_change(before, self.records[one]):
                changes.append(Change(backup=row, reading_id=new.reading, before=before))
        Change.objects.bulk_create(changes)
        # A row that is there keeps its first reading.
        Backup.objects.bulk_create(
            [
                Backup(
                    instance_id=new.instance,
                    backup_id=one,
                    record=self.sent[one],
                    digest=self.digests[one],
                    first_id=new.reading,
                )
                for one in ids
            ],
            update_conflicts=True,
            unique_fields=["instance", "backup_id"],
            update_fields=["record", "digest", "gone"],
        )

    def _finished(self, new: Generation) -> Generation:
        if self.previous and self.previous.missing_since:
            doubted = Backup.objects.filter(instance=new.instance, gone__is_doubtful=True)
            for chunk in _chunks(doubted.values_list("pk", "backup_id")):
                back = [pk for pk, one in chunk if one in self.digests]
                Backup.objects.filter(pk__in=back).update(gone=None)
        if not self.is_doubtful and self.is_whole:
            Reading.objects.filter(instance=new.instance, is_doubtful=True).update(is_doubtful=False)
        Reading.objects.filter(pk=new.reading).update(is_accepted=True)
        unlisted = Backup.objects.filter(rows.UNLISTED, instance=new.instance).count()
        return replace(new, unlisted=unlisted)


def _is_silent_change(before: bytes, new: BackupRecord) -> bool:
    """Whether a record says the same as before, but for how far a running backup is."""
    [old] = backups_of_raw([before])
    if old.is_running and new.is_running:
        old = msgspec.structs.replace(
            old, progress_percent=new.progress_percent, updated_at=new.updated_at, unread=new.unread
        )
    return old == new


# Instances ------------------------------------------------------------------------


class _InstancesRecording(Recording):
    def _compare(self) -> None:
        self.found: dict[str, InstanceRecord] = {}
        for record in self.walk.records:
            self.found.setdefault(row_id(record), record)
        self.json = {one: msgspec.json.encode(record) for one, record in self.found.items()}
        digest = self._digest(map(_digest_of, self.json.values()))
        self.new = Cached(self._generation(digest=digest), DecodedRecords(self.walk.records))

    def _write_rows(self) -> Generation:
        new = self.new.generation
        column = "shown" if self.subject.kind == "instance" else "listed"
        # To look takes no lock, and a long list has much to look at.
        changed = self._changed(column)
        with transaction.atomic():
            project = _project(self.subject.project)
            for row in changed:
                row.project = project
            Instance.objects.bulk_create(
                changed,
                batch_size=CHUNK,
                update_conflicts=True,
                unique_fields=["project", "instance_id"],
                update_fields=[column, "gone_since", "gone_why"],
            )
            self._claim(self.pointer.text, store.encoded(new))
        return new

    def _changed(self, column: str) -> list[Instance]:
        """Return what is to be written of the instances that say something new, or are gone."""
        project, is_of_one = self.subject.project, self.subject.kind == "instance"
        rows_there = Instance.objects.filter(
            project__endpoint=project.endpoint, project__project_id=project.project_id
        )
        if is_of_one:
            rows_there = rows_there.filter(instance_id__in=self.json)
        there = {row.instance_id: row for row in rows_there}
        changed = [
            Instance(instance_id=one, first_seen=self.read_at, **{column: json.decode()})
            for one, json in self.json.items()
            if one not in there or getattr(there[one], column) != json.decode() or there[one].gone_since
        ]
        if is_of_one or not self.walk.complete:
            return changed
        return changed + [
            Instance(
                instance_id=one,
                first_seen=row.first_seen,
                listed=row.listed,
                gone_since=self.read_at,
                gone_why="unlisted",
            )
            for one, row in there.items()
            if row.listed and not row.gone_since and one not in self.json
        ]


def _project(project: Project) -> CloudProject:
    found, _ = CloudProject.objects.get_or_create(
        endpoint=project.endpoint,
        project_id=project.project_id,
        defaults={"region": project.region, "name": project.name},
    )
    return found


# Restores -------------------------------------------------------------------------


class _RestoresRecording(Recording):
    """Restores are read when somebody asks for them, and stay with the process that has read them."""

    def _compare(self) -> None:
        self.new = Cached(self._generation(digest="restores"), DecodedRecords(self.walk.records))

    def write(self) -> None:
        """Write nothing: they are no evidence."""


# Failures -------------------------------------------------------------------------


def failed(subject: Subject, problem: Problem, *, at: datetime) -> None:
    """Keep that an instance's list could not be read; DCS may say that the instance does not exist."""
    store.asked(lambda: _failed(subject, problem, at), None)


def _failed(subject: Subject, problem: Problem, at: datetime) -> None:
    if subject.kind == "instances":
        return
    instance = rows.instances_of(subject).first()
    if instance is None:
        return
    if problem.kind == "not_found" and instance.gone_why != "unknown":
        since = instance.gone_since or at
        Instance.objects.filter(pk=instance.pk).update(gone_since=since, gone_why="unknown")
        _let_it_come_back(subject)
    if subject.kind != "backups":
        return
    last = Reading.objects.filter(instance=instance).order_by("-pk").first()
    known = generations.look_up(subject).generation
    # Equal readings since make no row of their own.
    was_read_since = last is not None and known is not None and known.read_at > last.last_at
    if last and last.problem == problem.kind and not was_read_since:
        Reading.objects.filter(pk=last.pk).update(last_at=at)
    else:
        Reading.objects.create(
            instance=instance, first_at=at, last_at=at, is_whole=False, problem=problem.kind[:40]
        )


def _let_it_come_back(subject: Subject) -> None:
    """Let the next readings that hold an instance be written, though they say the same as before."""
    for kind in ("instance", "instances"):
        other = Subject(kind, subject.project, subject.instance_id if kind == "instance" else "")
        pointer = generations.look_up(other)
        if pointer.generation:
            text = store.encoded(replace(pointer.generation, digest=secrets.token_hex(8)))
            store.replace(generations.pointer_key(other), pointer.text, text)
