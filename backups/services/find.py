"""Find: from whatever stands in a ticket to the page that it means.

A pasted link of this portal, ids picked out of any text, or the name of an
instance or a part of it. Only the projects that the viewer may see are searched.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from ..dcs.records import BackupRecord, Instance
from .generations import Generation
from .links import backup_url, instance_url
from .listings import (
    NothingToShow,
    cached_backups,
    instance_backups,
    is_fresh,
    project_instances,
    read_backups,
)
from .looks import look_at
from .problems import Problem
from .projects import Project
from .subjects import Subject

ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# So that no shorter name is read out of a longer one.
_END = r"(?![A-Za-z0-9_%-])"
_CLOUD_ID = rf"[A-Za-z0-9_-]{{1,64}}{_END}"
LINK = re.compile(
    rf"(?P<page>/projects/(?P<project>[A-Za-z0-9-]+){_END}"
    rf"(?:/instances/(?P<instance>{_CLOUD_ID})(?:/backups/(?P<backup>{_CLOUD_ID}))?)?)"
    rf"(?:/backups\.(?:json|csv){_END})?/?"
    r"(?P<query>\?[^\s<>\"'|\\]*)?"
)
MOST_IDS = 10
MOST_CANDIDATES = 50
LONGEST_TEXT = 20_000
READ_AT_ONCE = 8


@dataclass(frozen=True)
class Candidate:
    """One page that the text may mean; `kind` is instance, backup or project. `certain`: it is named."""

    url: str
    kind: str
    title: str
    detail: str
    project: Project
    certain: bool = False


@dataclass(frozen=True)
class Found:
    """What the text may mean; where DCS did not answer, in `problems`, nobody knows of more.

    `unread` counts the instances whose histories were not, or not fully, read in time for a backup's id.
    """

    candidates: tuple[Candidate, ...]
    searched: tuple[Project, ...]
    problems: tuple[tuple[Project, Problem], ...] = ()
    unread: int = 0

    @property
    def destination(self) -> str | None:
        """Where to go at once, None where a person should choose."""
        certain = [c for c in self.candidates if c.certain]
        if certain or self.problems:  # what could not be searched may hold another of that name
            return certain[0].url if len(certain) == 1 else None
        return self.candidates[0].url if len(self.candidates) == 1 else None


def find(text: str, projects: Sequence[Project], *, now: datetime) -> Found:
    """Search the given projects for what `text` means."""
    linked = _linked(text, {project.name: project for project in projects})
    if linked:
        return Found(tuple(linked), tuple(projects))
    known, problems = _instances(projects, now)
    ids = list(dict.fromkeys(found.lower() for found in ID.findall(text)))[:MOST_IDS]
    if not ids:
        return Found(_by_name(text, known, certain=not problems), tuple(projects), problems)
    candidates = [_of_instance(p, i, certain=True) for p, i in known if i.instance_id.lower() in ids]
    left = [wanted for wanted in ids if wanted not in {i.instance_id.lower() for _, i in known}]
    if candidates or not left:
        # A ticket names the instance beside the backup: look no further than there first.
        named = [(p, i) for p, i in known if i.instance_id.lower() in ids]
        backups, unread = _backups(left, named, now) if left else ([], 0)
        return Found((*backups, *(candidates if not backups else ())), tuple(projects), problems, unread)
    backups, unread = _backups(left, known, now)
    return Found(tuple(backups), tuple(projects), problems, unread)


def _linked(text: str, projects: dict[str, Project]) -> list[Candidate]:
    """Return the pages of this portal that are linked in the text, with their query."""
    found: dict[str, Candidate] = {}
    for link in LINK.finditer(text):
        project = projects.get(link["project"])
        if project is None:
            continue
        kind = "backup" if link["backup"] else "instance" if link["instance"] else "project"
        title = link["backup"] or link["instance"] or project.name
        query = (link["query"] or "").rstrip(".,;:)]")
        url = f"{link['page']}/{query if query != '?' else ''}"
        found.setdefault(url, Candidate(url, kind, title, "", project, certain=True))
    return list(found.values())[:MOST_CANDIDATES]


_Known = tuple[Project, Instance]


def _instances(
    projects: Sequence[Project], now: datetime
) -> tuple[list[_Known], tuple[tuple[Project, Problem], ...]]:
    known: list[_Known] = []
    problems = []
    for project in projects:
        try:
            listing = project_instances(project, now=now)
        except NothingToShow as nothing:
            problems.append((project, nothing.problem))
            continue
        known += [(project, instance) for instance in listing.records if instance_url(project, instance)]
        if listing.problem:
            problems.append((project, listing.problem))
    return known, tuple(problems)


def _by_name(text: str, known: Sequence[_Known], *, certain: bool) -> tuple[Candidate, ...]:
    """Return the instances with this name or id, then those with all words in them."""
    words = text.casefold().split()
    exact = [
        (p, i) for p, i in known if i.name.casefold() == " ".join(words) or i.instance_id == text.strip()
    ]
    partly = [(p, i) for p, i in known if words and all(word in i.search_text for word in words)]
    rest = [pair for pair in sorted(partly, key=lambda pair: pair[1].name.casefold()) if pair not in exact]
    candidates = [_of_instance(p, i, certain=certain) for p, i in exact]
    candidates += [_of_instance(p, i) for p, i in rest]
    return tuple(candidates[:MOST_CANDIDATES])


def _backups(ids: list[str], known: Sequence[_Known], now: datetime) -> tuple[list[Candidate], int]:
    """Search the histories at hand, however old, then read those not fresh for as long as a viewer waits.

    Also return how many histories may hold what was not found.
    """
    ends = time.monotonic() + settings.DCS_READ_BUDGET
    if found := _search(ids, known):
        return found, 0
    readings = [(pair, _last_reading(*pair)) for pair in known]
    unread = sum(_is_fresh(reading, now) and not _is_whole(reading) for _, reading in readings)
    old = [(pair, reading) for pair, reading in readings if not _is_fresh(reading, now)]
    while old and (left := ends - time.monotonic()) > 0:
        few, old = old[:READ_AT_ONCE], old[READ_AT_ONCE:]
        _read_again([pair for pair, _ in few], now=now, seconds=left)
        if found := _search(ids, [pair for pair, _ in few]):
            return found, 0
        for pair, before in few:
            reading = _last_reading(*pair)
            unread += reading == before or not _is_whole(reading)
    return [], unread + len(old)


def _search(ids: list[str], known: Sequence[_Known]) -> list[Candidate]:
    return [
        _of_backup(project, instance, record)
        for project, instance in known
        for record in cached_backups(project, instance.instance_id) or ()
        if record.backup_id.lower() in ids
    ]


def _read_again(histories: Sequence[_Known], *, now: datetime, seconds: float) -> None:
    for project, instance in histories:
        if _last_reading(project, instance):
            # An old one comes at once and is read behind; below, that reading is waited for.
            with suppress(NothingToShow):
                instance_backups(project, instance.instance_id, now=now)
    read_backups([(p, i.instance_id) for p, i in histories], now=now, seconds=seconds)


def _last_reading(project: Project, instance: Instance) -> Generation | None:
    [look] = look_at(Subject("backups", project, instance.instance_id))
    return look.known[0] if look.known else None


def _is_fresh(reading: Generation | None, now: datetime) -> bool:
    return reading is not None and is_fresh(reading, now)


def _is_whole(reading: Generation | None) -> bool:
    return reading is not None and not (reading.moved or reading.truncated or reading.cut_short)


def _of_backup(project: Project, instance: Instance, record: BackupRecord) -> Candidate:
    url = backup_url(project, instance.instance_id, record)
    return Candidate(url, "backup", record.name or record.backup_id, instance.name, project, certain=True)


def _of_instance(project: Project, instance: Instance, *, certain: bool = False) -> Candidate:
    title = instance.name or instance.instance_id
    url = instance_url(project, instance)
    return Candidate(url, "instance", title, instance.instance_id, project, certain)
