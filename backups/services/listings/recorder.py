"""Keeps what was read: a reading of a list becomes the list's current generation, and rows of evidence.

A reading is written, and then shown; a long one, which takes seconds to write, is shown first. What has not
changed costs one narrow update. Only a whole reading proves that a record is gone; that over half of a list
is gone, only a second one a minute later.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from ...dcs.records import Instance as InstanceRecord
from ...dcs.walk import Walk
from ...models import Instance, Reading
from ..problems import Problem
from . import generations, recording, rows, store
from .generations import Cached, DecodedRecords, Generation, Pointer
from .recorded_backups import BackupsRecording
from .recording import Overtaken, Recorded, Recording, cloud_project, digest_of, row_id, tell
from .subjects import Kind, Subject

log = logging.getLogger(__name__)

_TRIES = 3


def record(subject: Subject, walk: Walk[Any], *, read_at: datetime) -> None:
    """Make a reading the current generation, unless there is a newer one."""
    _, recorded = write(subject, walk, read_at=read_at)
    if recorded:
        tell(recorded)


def write(
    subject: Subject,
    walk: Walk[Any],
    *,
    read_at: datetime,
    pointer: Pointer | None = None,
    is_wanted: bool = True,
    show: Callable[[Cached], None] | None = None,
    is_busy: bool = False,
) -> tuple[Cached, Recorded | None]:
    """Return the current generation, and what is to be told of it if that is this reading.

    `show` is called before a list is written that takes long, or any while the database `is_busy`, where a
    viewer wants it. `pointer` is the list's note where it was just looked at. A full database costs evidence
    a gap, and the list is shown by this process alone. A reading that no viewer wants takes the place of what
    is in memory, but none of its own.
    """
    pointer = pointer or generations.look_up(subject)
    for _ in range(_TRIES):
        one = _RECORDINGS[subject.kind](subject, walk, read_at, pointer)
        if one.is_late:
            return one.new, None
        with suppress(Overtaken):
            # What is not written, or could not be, has no row.
            unwritten = Cached(replace(one.new.generation, reading=0), one.new.decoded)
            takes_long = len(walk.records) > recording.CHUNK and subject.kind == "backups"
            is_new = not one.says_the_same(one.new.generation.digest)
            if show and is_wanted and (is_busy or (takes_long and is_new)):
                generations.keep(subject, unwritten, is_written=False)
                show(unwritten)
            written = store.asked(one.write, None)
            new = Cached(written, one.new.decoded) if written else unwritten
            generations.keep(subject, new, is_written=written is not None, is_wanted=is_wanted)
            if written is None:
                return new, None
            same = one.previous.read_at if one.previous and not is_new else None
            records = new.decoded.records
            return new, Recorded(subject, read_at, written.instance, written, records, same_since=same)
        pointer = generations.look_up(subject)
    log.warning("a reading of %s could not be kept: others were written meanwhile", subject.kind)
    return one.new, None


def failed(subject: Subject, problem: Problem, *, at: datetime) -> None:
    """Keep that an instance's list could not be read; DCS may say that the instance does not exist."""
    if subject.kind != "instances":
        store.asked(lambda: _failed(subject, problem, at), None)


def _failed(subject: Subject, problem: Problem, at: datetime) -> None:
    instance = rows.instances_of(subject).first()
    # This alone is certain, and lasts: of ids that somebody made up nothing is kept.
    if instance is None and problem.kind == "unsupported" and subject.kind == "backups":
        instance = recording.instance_row(subject, at)
    if instance is None:
        return
    if problem.kind == "not_found" and instance.gone_why != "unknown":
        since = instance.gone_since or at
        Instance.objects.filter(pk=instance.pk).update(gone_since=since, gone_why="unknown")
        # Let the next readings that hold it be written, though they say the same as before.
        for other in (replace(subject, kind="instance"), Subject("instances", subject.project)):
            text, generation = generations.look_up(other)
            if generation:
                new = replace(generation, digest=secrets.token_hex(8))
                store.replace(other.pointer_key, text, store.encoded(new))
    tell(Recorded(subject, at, instance.pk, problem=problem))
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


# Lists of instances and of restores -------------------------------------------


class InstancesRecording(Recording):
    def compare(self) -> None:
        found: dict[str, InstanceRecord] = {}
        for record in self.walk.records:
            found.setdefault(row_id(record), record)
        self.json = {one: msgspec.json.encode(record).decode() for one, record in found.items()}
        digest = self.digest(digest_of(json.encode()) for json in self.json.values())
        self.new = Cached(self.generation(digest), DecodedRecords(self.walk.records))

    def write_rows(self) -> Generation:
        column = "shown" if self.subject.kind == "instance" else "listed"
        # To look takes no lock, and a long list has much to look at.
        changed = self._changed(column)
        with transaction.atomic():
            project = cloud_project(self.subject.project)
            for row in changed:
                row.project = project
            Instance.objects.bulk_create(
                changed,
                batch_size=recording.CHUNK,
                update_conflicts=True,
                unique_fields=["project", "instance_id"],
                update_fields=[column, "gone_since", "gone_why"],
            )
            self.claim(self.pointer.text, self.new.generation)
        return self.new.generation

    def _changed(self, column: str) -> list[Instance]:
        """Return what is to be written of the instances that say something new, or are gone."""
        is_of_one = self.subject.kind == "instance"
        rows_there = Instance.objects.filter(rows.of_projects([self.subject.project]))
        if is_of_one:
            rows_there = rows_there.filter(instance_id__in=self.json)
        there = {row.instance_id: row for row in rows_there}
        changed = [
            Instance(instance_id=one, first_seen=self.read_at, **{column: json})
            for one, json in self.json.items()
            if one not in there or getattr(there[one], column) != json or there[one].gone_since
        ]
        if self.walk.complete and not is_of_one:
            gone = [row for one, row in there.items() if one not in self.json]
            for row in gone:
                if row.listed and not row.gone_since:
                    row.gone_since, row.gone_why = self.read_at, "unlisted"
                    changed.append(row)
        return changed


class RestoresRecording(Recording):
    """Restores are read when somebody asks for them, and stay with the process that has read them."""

    def compare(self) -> None:
        digest = self.digest(digest_of(repr(record).encode()) for record in self.walk.records)
        self.new = Cached(self.generation(digest), DecodedRecords(self.walk.records))

    def write(self) -> None:
        """Write nothing: they are no evidence."""


_RECORDINGS: dict[Kind, type[Recording]] = {
    "backups": BackupsRecording,
    "instances": InstancesRecording,
    "instance": InstancesRecording,
    "restores": RestoresRecording,
}
