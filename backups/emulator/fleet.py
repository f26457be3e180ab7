"""The emulated fleet: which projects, instances and backups there are at this moment.

    fleet = Fleet()                      # history reaches up to now
    fleet = Fleet(now=lambda: a_time)    # … or up to any other time
    fleet.primary.ak, fleet.projects[1].region, fleet.backups(ORDERS_CACHE_ID)

Deterministic: ids are made of names and calendar slots, so two fleets, or one
before and after a restart, agree on every record that both of them list.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from . import catalog, contract
from .histories import empty
from .inventory import Instance, Project
from .records import Json, Row, newest_first, row_of, rows_of, stable_id

ORDERS_CACHE_ID, BULK_HISTORY_ID = contract.ORDERS_CACHE_ID, contract.BULK_HISTORY_ID
GONE_INSTANCE_ID = contract.GONE_INSTANCE_ID
REFERENCE_RECORD, REFERENCE_BACKUP_ID = contract.REFERENCE_RECORD, contract.REFERENCE_BACKUP_ID


def utc_now() -> datetime:
    return datetime.now(UTC)


class Fleet:
    """Projects, instances and their backups as of `now()`. Safe to use from many threads."""

    def __init__(self, now: Callable[[], datetime] = utc_now, bulk_records: int = 10_000) -> None:
        self.now = now
        self.projects = catalog.projects(bulk_records, now())
        self._lock = threading.RLock()
        self._made: dict[str, tuple[int, list[Row]]] = {}
        self.restore()

    def restore(self) -> None:
        """Undo every change: the fleet is as it was made."""
        self._instances = {project.name: dict(project.instances) for project in self.projects}
        self._set: dict[str, list[Row]] = {}
        self._hidden: set[str] = set()

    @property
    def primary(self) -> Project:
        return self.projects[0]

    def project(self, name: str) -> Project:
        """Return the project of this name; KeyError where there is none."""
        return {project.name: project for project in self.projects}[name]

    def instances(self, project: Project) -> list[Instance]:
        """Return the instances that the project lists, newest first."""
        found = list(self._instances[project.name].values())
        found.sort(key=lambda one: (one.created_at, one.instance_id), reverse=True)
        return [one for one in found if one.instance_id not in self._hidden]

    def instance(self, project: Project, instance_id: str) -> Instance | None:
        return self._instances[project.name].get(instance_id)

    def named(self, name: str, project: str | None = None) -> Instance:
        """Return the first instance of this name; KeyError where there is none."""
        for one in self.projects:
            for instance in self.instances(one):
                if instance.name == name and project in (None, one.name):
                    return instance
        raise KeyError(name)

    def backups(self, instance: Instance | str) -> list[Row]:
        """Return all rows of an instance, newest first. The list is shared: do not change it."""
        with self._lock:
            found = self._holding(instance)[instance] if isinstance(instance, str) else instance
            if found.instance_id in self._set:
                return self._set[found.instance_id]
            # A list stands for its step (a minute, mostly), so that the pages of one walk agree.
            tick = int(self.now().timestamp()) // found.step
            made = self._made.get(found.instance_id)
            if made is None or made[0] != tick:
                moment = datetime.fromtimestamp(tick * found.step, UTC)
                made = self._made[found.instance_id] = (tick, rows_of(found.history(found, moment), moment))
            return made[1]

    # From the first of these changes on, the list of that instance stands still.

    def set_records(self, instance_id: str, records: Iterable[Json]) -> None:
        """Let an instance have exactly these records, listed in the order given."""
        self._holding(instance_id)
        self._set[instance_id] = [row_of(one) for one in records]

    def insert_record(self, instance_id: str, record: Json, position: int | None = None) -> None:
        """Add a record, by default where its created_at belongs."""
        with self._lock:
            rows = list(self.backups(instance_id))
            rows.insert(position or 0, row_of(record))
            self._set[instance_id] = newest_first(rows) if position is None else rows

    def change_record(self, instance_id: str, backup_id: str, **changes: Any) -> None:
        """Give a record other values, such as status="expired"; ValueError where it is not listed."""
        with self._lock:
            rows, place = self._rows_and_place(instance_id, backup_id)
            rows[place] = row_of(json.loads(rows[place].text) | changes)
            self._set[instance_id] = rows

    def remove_record(self, instance_id: str, backup_id: str) -> None:
        """Take a record away; ValueError where it is not listed."""
        with self._lock:
            rows, place = self._rows_and_place(instance_id, backup_id)
            del rows[place]
            self._set[instance_id] = rows

    def _rows_and_place(self, instance_id: str, backup_id: str) -> tuple[list[Row], int]:
        rows = list(self.backups(instance_id))
        return rows, [one.backup_id for one in rows].index(backup_id)

    def add_instance(self, name: str, project: str = "eu-prod", **changes: Any) -> Instance:
        """Add an instance without backups and return it; `changes` are fields of Instance."""
        model = self.primary.instances[ORDERS_CACHE_ID]
        fields = {"instance_id": stable_id("added", project, name), "history": empty, "restores": ()}
        made = replace(model, name=name, **{**fields, **changes})
        self._instances[project][made.instance_id] = made
        return made

    def add_many(self, count: int, project: str = "eu-prod", *, hour: int = 18, share: float = 0.6) -> None:
        """Add so many instances with a backup a day, this share of them in one hour."""
        made = catalog.many(project, count, hour=hour, share=share)
        self._instances[project].update((one.instance_id, one) for one in made)

    def hide_instance(self, instance_id: str) -> None:
        """Leave an instance out of its project's list; it answers by its id as before."""
        self._holding(instance_id)
        self._hidden.add(instance_id)

    def remove_instance(self, instance_id: str) -> None:
        """Delete an instance, and with it its backups."""
        del self._holding(instance_id)[instance_id]

    def _holding(self, instance_id: str) -> dict[str, Instance]:
        """Return those instances of a project among which this one is; KeyError where there are none."""
        for instances in self._instances.values():
            if instance_id in instances:
                return instances
        raise KeyError(instance_id)
