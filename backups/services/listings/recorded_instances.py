"""A reading of a project's instances, or of one, as rows; and of restores, which are none."""

from __future__ import annotations

import msgspec
from django.db import transaction

from ...dcs.records import Instance as InstanceRecord
from ...models import Instance
from . import recording, rows, store
from .generations import Cached, DecodedRecords, Generation
from .recording import Recording, cloud_project, digest_of, row_id


class InstancesRecording(Recording):
    def compare(self) -> None:
        self.found: dict[str, InstanceRecord] = {}
        for record in self.walk.records:
            self.found.setdefault(row_id(record), record)
        self.json = {one: msgspec.json.encode(record) for one, record in self.found.items()}
        digest = self.digest(map(digest_of, self.json.values()))
        self.new = Cached(self.generation(digest=digest), DecodedRecords(self.walk.records))

    def write_rows(self) -> Generation:
        new = self.new.generation
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
            self.claim(self.pointer.text, store.encoded(new))
        return new

    def _changed(self, column: str) -> list[Instance]:
        """Return what is to be written of the instances that say something new, or are gone."""
        is_of_one = self.subject.kind == "instance"
        rows_there = Instance.objects.filter(rows.of_projects([self.subject.project]))
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


class RestoresRecording(Recording):
    """Restores are read when somebody asks for them, and stay with the process that has read them."""

    def compare(self) -> None:
        digest = self.digest(digest_of(repr(record).encode()) for record in self.walk.records)
        self.new = Cached(self.generation(digest=digest), DecodedRecords(self.walk.records))

    def write(self) -> None:
        """Write nothing: they are no evidence."""
