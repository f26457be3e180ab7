"""A reading of an instance's history, as rows of evidence.

A large one is written in chunks, so that nobody's sign-in waits, and its note last: what a killed process
leaves behind was never told, and the next reading sets it right.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
from django.db import transaction

from ...dcs.pages import backups_of_raw, raw_backups
from ...dcs.records import BackupRecord
from ...models import Backup, Change, Reading
from . import generations, recording, rows, store
from .generations import Cached, DecodedRecords, Generation
from .recording import Recording, digest_of, instance_row, row_id

CONFIRMED_AFTER = timedelta(seconds=60)


class BackupsRecording(Recording):
    def compare(self) -> None:
        self.records: dict[str, BackupRecord] = {}
        self.sent: dict[str, bytes] = {}
        for page in self.walk.pages:
            for record, sent in raw_backups(page):
                one = row_id(record)
                # A repeated walk has both passes, the newer one first: its word wins.
                if one not in self.sent:
                    self.records[one], self.sent[one] = record, sent
        self.digests = digests = {one: digest_of(sent) for one, sent in self.sent.items()}
        self.is_whole = self.walk.complete and self.subject.window is None
        self.is_doubtful = False
        self.known: Mapping[str, bytes] = {}
        self.missing: set[str] = set()
        previous, digest, records = self.previous, self.digest(digests.values()), self.walk.records
        if previous and self.says_the_same(digest):
            decoded = generations.in_memory(self.subject, previous)
            self.new = Cached(self.generation(digest), decoded or DecodedRecords(records, digests))
            return
        nothing: tuple[int, DecodedRecords[BackupRecord]] = (0, DecodedRecords(()))
        instance, before = store.asked(self._known_before, nothing)
        self.known = before.digests
        self.missing = self.known.keys() - digests.keys()
        missing_since = previous.missing_since if previous else None
        if self.is_whole:
            is_confirmed = missing_since and self.read_at - missing_since >= CONFIRMED_AFTER
            is_drastic = previous is not None and len(self.missing) * 2 > len(self.known)
            self.is_doubtful = is_drastic and not is_confirmed
            missing_since = (missing_since or self.read_at) if self.is_doubtful else None
        if not self.is_whole or self.is_doubtful:
            kept = [one for one in before.records if row_id(one) in self.missing]
            if self.is_doubtful:
                kept = [msgspec.structs.replace(one, presence="missing") for one in kept]
            records += tuple(kept)
            digests = digests | {one: self.known[one] for one in map(row_id, kept)}
            digest = self.digest(digests.values(), self.is_doubtful)
        new = self.generation(digest, instance=instance, missing_since=missing_since)
        self.new = Cached(new, DecodedRecords(records, digests))

    def _known_before(self) -> tuple[int, DecodedRecords[BackupRecord]]:
        """Return the instance's row, and what its list holds: from memory, else from its rows."""
        previous = self.previous
        instance = previous.instance if previous else 0
        if not instance:
            instance = rows.instances_of(self.subject).values_list("pk", flat=True).first() or 0
        decoded = None
        if previous and previous.digest:
            decoded = generations.in_memory(self.subject, previous)
        return instance, decoded or DecodedRecords(*rows.listed(instance))

    def write_rows(self) -> Generation:
        added = [one for one in self.digests if one not in self.known]
        changed = [one for one, digest in self.digests.items() if self.known.get(one, digest) != digest]
        gone = sorted(self.missing) if self.is_whole else []
        work = [(one, True) for one in (*added, *changed)] + [(one, False) for one in gone]
        new, text, chunk = self.new.generation, self.pointer.text, recording.CHUNK
        for start in range(0, max(1, len(work)), chunk):
            is_last, began = start + chunk >= len(work), time.monotonic()
            with transaction.atomic():
                if start == 0:
                    instance = new.instance or instance_row(self.subject, self.read_at).pk
                    is_silent = not added and not gone and self._is_silent(instance, changed)
                    new = self._with_reading(instance, is_silent)
                self._write_chunk(new, work[start : start + chunk])
                if is_last:
                    new = self._finished(new)
                text = self.claim(text, new if is_last else self._being_written())
            if not is_last:
                store.leave_the_writer(began)
        return new

    def _being_written(self) -> Generation | str:
        """Return the list's note for now: others see the list of before, told by its rows of then.

        It is another one with each chunk: whoever compared a reading with the rows before it compares anew.
        """
        writer = secrets.token_hex(8)
        return replace(self.previous, digest="", writer=writer) if self.previous else writer

    def _with_reading(self, instance: int, is_silent: bool) -> Generation:
        previous = self.previous
        if previous and is_silent:
            return replace(self.new.generation, instance=instance, reading=previous.reading)
        if previous and previous.reading:
            Reading.objects.filter(pk=previous.reading).update(last_at=previous.read_at)
        reading = Reading.objects.create(
            instance_id=instance,
            previous_id=(previous and previous.reading) or None,
            first_at=self.read_at,
            last_at=self.read_at,
            is_whole=self.is_whole,
            is_doubtful=self.is_doubtful,
            total=len(self.walk.records),
        )
        return replace(self.new.generation, instance=instance, reading=reading.pk)

    def _is_silent(self, instance: int, changed: Sequence[str]) -> bool:
        """Whether nothing has changed but how far running backups are: that is no new reading."""
        previous = self.previous
        if not changed or len(changed) > recording.CHUNK or previous is None or previous.missing_since:
            return False
        if (previous.complete, previous.promised) != (self.walk.complete, self.walk.promised):
            return False
        before = Backup.objects.filter(instance=instance, backup_id__in=changed)
        return all(
            _is_silent_change(bytes(record), self.records[one])
            for one, record in before.values_list("backup_id", "record")
        )

    def _write_chunk(self, new: Generation, work: Sequence[tuple[str, bool]]) -> None:
        """Write the records that are there, and which are gone."""
        ids, gone = (
            [one for one, is_there in work if is_there],
            [one for one, is_there in work if not is_there],
        )
        Backup.objects.filter(instance=new.instance, backup_id__in=gone, gone=None).update(gone=new.reading)
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
        backups = [
            Backup(
                instance_id=new.instance,
                backup_id=one,
                record=self.sent[one],
                digest=self.digests[one],
                first_id=new.reading,
            )
            for one in ids
        ]
        # A row that is there keeps its first reading.
        Backup.objects.bulk_create(
            backups,
            update_conflicts=True,
            unique_fields=["instance", "backup_id"],
            update_fields=["record", "digest", "gone"],
        )

    def _finished(self, new: Generation) -> Generation:
        if self.previous and self.previous.missing_since:
            doubted = Backup.objects.filter(instance=new.instance, gone__is_doubtful=True)
            back = [pk for pk, one in doubted.values_list("pk", "backup_id") if one in self.digests]
            for start in range(0, len(back), recording.CHUNK):
                Backup.objects.filter(pk__in=back[start : start + recording.CHUNK]).update(gone=None)
        if not self.is_doubtful and self.is_whole:
            Reading.objects.filter(instance=new.instance, is_doubtful=True).update(is_doubtful=False)
        Reading.objects.filter(pk=new.reading).update(is_accepted=True)
        return replace(new, unlisted=rows.count_unlisted(new.instance))


def _is_silent_change(before: bytes, new: BackupRecord) -> bool:
    """Whether a record says the same as before, but for how far a running backup is."""
    [old] = backups_of_raw([before])
    if old.is_running and new.is_running:
        old = msgspec.structs.replace(
            old, progress_percent=new.progress_percent, updated_at=new.updated_at, unread=new.unread
        )
    return old == new
