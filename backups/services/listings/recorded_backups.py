"""A reading of an instance's history, as rows of evidence.

A large one is written in chunks, so that nobody's sign-in waits, and its note last: what a killed process
leaves behind was never told, and the next reading sets it right.
"""

from __future__ import annotations

import secrets
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
from .recording import Recording, chunks, digest_of, instance_row, row_id

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
        previous = self.previous
        self.known: Mapping[str, bytes] = {}
        self.missing: set[str] = set()
        self.is_doubtful = False
        digest = self.digest(digests.values())
        if previous and previous.digest == digest and not previous.missing_since:
            decoded = generations.in_memory(self.subject, previous)
            decoded = decoded or DecodedRecords(self.walk.records, digests)
            self.new = Cached(self.generation(digest=digest), decoded)
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
            digest = self.digest(digests.values(), self.is_doubtful)
        if self.is_doubtful:
            missing_since = missing_since or self.read_at
        elif self.is_whole:
            missing_since = None
        new = self.generation(digest=digest, instance=instance, missing_since=missing_since)
        self.new = Cached(new, DecodedRecords(records, digests))
        self.new.decoded.sent = self.sent

    def _known(self, instance: int) -> DecodedRecords[BackupRecord]:
        """Return what the list holds by what is known: from memory, else from its rows."""
        if self.previous and self.previous.digest:
            decoded = generations.in_memory(self.subject, self.previous)
            if decoded:
                return decoded
        return DecodedRecords(*rows.listed(instance))

    def write_rows(self) -> Generation:
        known, digests = self.known, self.digests
        added = [one for one in digests if one not in known]
        changed = [one for one, digest in digests.items() if known.get(one, digest) != digest]
        gone = sorted(self.missing) if self.is_whole else []
        work = [("row", one) for one in (*added, *changed)] + [("gone", one) for one in gone]
        if len(work) <= recording.CHUNK:
            with transaction.atomic():
                instance = self._instance()
                new = self._with_reading(instance, is_silent=self._is_silent(instance, added, changed, gone))
                self._write_chunk(new, work)
                new = self._finished(new)
                self.claim(self.pointer.text, store.encoded(new))
            return new
        with transaction.atomic():
            text = self.claim(self.pointer.text, self._being_written())
            new = self._with_reading(self._instance(), is_silent=False)
        for chunk in chunks(work):
            with store.sharing_the_writer(), transaction.atomic():
                text = self.claim(text, self._being_written())
                self._write_chunk(new, chunk)
        with transaction.atomic():
            new = self._finished(new)
            self.claim(text, store.encoded(new))
        return new

    def _being_written(self) -> str:
        """Return the list's note for now: others see the list of before, told by its rows of then.

        It is another one with each chunk: whoever compared a reading with the rows before it compares anew.
        """
        writer = secrets.token_hex(8)
        return store.encoded(replace(self.previous, digest="", writer=writer)) if self.previous else writer

    def _instance_known(self) -> int:
        if self.previous and self.previous.instance:
            return self.previous.instance
        return rows.instances_of(self.subject).values_list("pk", flat=True).first() or 0

    def _instance(self) -> int:
        if self.new.generation.instance:
            return self.new.generation.instance
        return instance_row(self.subject, self.read_at).pk

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
            for chunk in chunks(doubted.values_list("pk", "backup_id")):
                back = [pk for pk, one in chunk if one in self.digests]
                Backup.objects.filter(pk__in=back).update(gone=None)
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
