"""The demo's past: the lists of the emulated fleet, as the portal would have read them for 30 days.

The fleet answers as of a clock that is driven through that time, and its answers go through the portal's
own recorder. What is known of a list stays: only what came after its last reading is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from backups.dcs.pages import Page, backup_page, instance_answer, instance_page
from backups.dcs.signing import Credentials
from backups.dcs.walk import Walk
from backups.emulator.fleet import Fleet
from backups.emulator.fleet import Project as EmulatedProject
from backups.emulator.histories import daily
from backups.emulator.http import ApiError, Request
from backups.emulator.records import stable_id
from backups.emulator.service import answer
from backups.models import CloudProject
from backups.services.listings import Subject, generations, recorder
from backups.services.problems import Problem
from backups.services.projects import Project

DAYS = 30
READING_HOUR = 4
# Lists that turn over within hours or began today, and the one to measure with: left to whoever opens them.
LEFT_OUT = ("sessions-live", "load-test", "first-backup", "bulk-history")
# This instance was deleted, and its backups with it.
DELETED, DELETED_BEFORE = "vouchers", timedelta(days=6)
DELETED_ID = stable_id("deleted", DELETED)
# For two days nothing could be read.
OUTAGE_BEGAN, OUTAGE_ENDED = timedelta(days=21), timedelta(days=19)
# On the last days this one's list was watched while its backups ran: every minute, for so many.
WATCHED, WATCHED_DAYS, WATCHED_MINUTES = "orders-cache", 3, 8


def replay(endpoint: str, *, now: datetime) -> None:
    """Write the past of the fleet that is served at `endpoint`, up to `now`."""
    _Past(endpoint, now.replace(microsecond=0)).replay()


class _Past:
    """A fleet with a clock of its own, and how far each of its lists is known."""

    def __init__(self, endpoint: str, now: datetime) -> None:
        self.now = self.moment = now
        self.fleet = Fleet(now=lambda: self.moment)
        self.projects = [
            (one, Project(one.name, one.region, one.project_id, endpoint, Credentials(one.ak, one.sk)))
            for one in self.fleet.projects
        ]
        self.is_first = not CloudProject.objects.filter(endpoint=endpoint).exists()
        self.known_until: dict[Subject, datetime | None] = {}

    def replay(self) -> None:
        primary = self.projects[0]
        watched = self.fleet.named(WATCHED, primary[1].name)
        if has_deleted := self.is_first:
            self.fleet.add_instance(DELETED, instance_id=DELETED_ID, history=daily)
        for moment, reads_all in self.moments(watched.backup_hour):
            self.moment = moment
            with transaction.atomic():
                if not reads_all:
                    self.read_backups(*primary, watched.instance_id)
                    continue
                if has_deleted and self.moment > self.now - DELETED_BEFORE:
                    has_deleted = False
                    self.fleet.remove_instance(DELETED_ID)
                    self.read_backups(*primary, DELETED_ID)
                for emulated, project in self.projects:
                    self.read_project(emulated, project)

    def moments(self, watched_hour: int) -> Iterator[tuple[datetime, bool]]:
        """Yield when something was read, in order, and whether that was everything."""
        for back in range(DAYS, -1, -1):
            day = (self.now - timedelta(days=back)).replace(hour=0, minute=0, second=0)
            found = [(day.replace(hour=READING_HOUR), True)]
            for minute in range(WATCHED_MINUTES if back <= WATCHED_DAYS else 0):
                found.append((day.replace(hour=watched_hour, minute=minute), False))
            yield from (one for one in sorted(found) if one[0] < self.now)
        yield self.now, True

    def read_project(self, emulated: EmulatedProject, project: Project) -> None:
        self.read(emulated, Subject("instances", project), "", instance_page)
        for instance in self.fleet.instances(emulated):
            if instance.name not in LEFT_OUT:
                shown = Subject("instance", project, instance.instance_id)
                if not generations.look_up(shown).generation:
                    self.read(emulated, shown, f"/{instance.instance_id}", instance_answer)
                self.read_backups(emulated, project, instance.instance_id)

    def read_backups(self, emulated: EmulatedProject, project: Project, instance_id: str) -> None:
        self.read(emulated, Subject("backups", project, instance_id), f"/{instance_id}/backups", backup_page)

    def read(
        self, emulated: EmulatedProject, subject: Subject, path: str, page_of: Callable[[bytes], Page[Any]]
    ) -> None:
        if self.is_known(subject):
            return
        if self.is_first and self.now - OUTAGE_BEGAN <= self.moment < self.now - OUTAGE_ENDED:
            recorder.failed(subject, Problem("unreachable"), at=self.moment)
            return
        request = Request("GET", f"/v2/{emulated.project_id}/instances{path}", "limit=1000", {}, b"")
        try:
            page = page_of(answer(self.fleet, emulated, request).body)
        except ApiError:
            recorder.failed(subject, Problem("not_found"), at=self.moment)
            return
        walk = Walk((page,), page.records, page.total_num, moved=False, truncated=False)
        recorder.record(subject, walk, read_at=self.moment)

    def is_known(self, subject: Subject) -> bool:
        if subject not in self.known_until:
            generation = generations.look_up(subject).generation
            self.known_until[subject] = generation.read_at if generation else None
        until = self.known_until[subject]
        return until is not None and until >= self.moment
