"""Find: from whatever stands in a ticket to the page that it means.

A pasted link of this portal, ids picked out of any text, or the name of an
instance or a part of it. Only the projects that the viewer may see are searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord, Instance
from ..history import backup_url, history_url, instance_url
from ..listings import NothingToShow, at_hand, cached_instances, project_instances
from ..problems import Problem
from ..projects import CLOUD_ID, Project
from .backup_search import Known, Search, search_backups

ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# So that no shorter name is read out of a longer one.
_END = r"(?![A-Za-z0-9_%-])"
_CLOUD_ID = CLOUD_ID.pattern + _END
LINK = re.compile(
    rf"(?P<page>/projects/(?P<project>[A-Za-z0-9-]+){_END}"
    rf"(?:/instances/(?P<instance>{_CLOUD_ID})(?:/backups/(?P<backup>{_CLOUD_ID})|/recovery-point{_END})?)?)"
    rf"(?:/backups\.(?:json|csv){_END})?/?"
    r"(?P<query>\?[^\s<>\"'|\\]*)?"
)
MOST_IDS = 10
MOST_CANDIDATES = 50
MOST_SUGGESTIONS = 8


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

    `search` tells how far the search for a backup by its id is, where there is one.
    """

    candidates: tuple[Candidate, ...]
    searched: tuple[Project, ...]
    problems: tuple[tuple[Project, Problem], ...] = ()
    search: Search | None = None

    @property
    def goes_on(self) -> bool:
        """Whether histories are left to be searched for a backup that was not found yet."""
        return bool(self.search and self.search.left and not self.search.hits)

    @property
    def unread(self) -> int:
        """How many histories may hold what was not found."""
        return self.search.unread if self.search else 0

    @property
    def destination(self) -> str | None:
        """Where to go at once, None where a person should choose."""
        if self.goes_on:
            return None
        certain = [c for c in self.candidates if c.certain]
        if certain or self.problems:  # what could not be searched may hold another of that name
            return certain[0].url if len(certain) == 1 else None
        return self.candidates[0].url if len(self.candidates) == 1 else None


def find(
    text: str,
    projects: Sequence[Project],
    *,
    now: datetime,
    began: datetime | None = None,
    viewer: str = "",
) -> Found:
    """Search the given projects for what `text` means; `began` is when a search did that goes on."""
    linked = _linked(text, {project.name: project for project in projects})
    if linked:
        return Found(tuple(linked), tuple(projects))
    known, problems = _instances(projects, now, viewer)
    ids = list(dict.fromkeys(found.lower() for found in ID.findall(text)))[:MOST_IDS]
    if not ids:
        return Found(_by_name(text, known, certain=not problems), tuple(projects), problems)
    named = [(p, i) for p, i in known if i.instance_id.lower() in ids]
    left = [wanted for wanted in ids if wanted not in {i.instance_id.lower() for _, i in named}]
    # A ticket names the instance beside the backup: look no further than there first.
    search = None
    if left:
        search = search_backups(left, named or known, now=now, began=began or now, viewer=viewer)
    found = tuple(_of_backup(*hit) for hit in search.hits) if search else ()
    instances = tuple(_of_instance(p, i, certain=True) for p, i in named)
    return Found(found or instances, tuple(projects), problems, search)


def suggestions(
    text: str, projects: Sequence[Project], *, now: datetime, viewer: str = ""
) -> tuple[Candidate, ...]:
    """Return the instances that fit what was typed so far, out of the lists at hand."""
    listed = at_hand(projects, now=now, viewer=viewer)
    found = _by_name(text, [pair for pair in listed if instance_url(*pair)], certain=False)
    return found[:MOST_SUGGESTIONS]


def recent_instances(opened: Sequence[tuple[str, str]], projects: Sequence[Project]) -> tuple[Candidate, ...]:
    """Return the pages of instances by project name and id, of those projects that are given."""
    by_name = {project.name: project for project in projects}
    pairs = [(by_name[name], instance_id) for name, instance_id in opened if name in by_name]
    known = cached_instances(pairs)
    return tuple(
        _of_instance(project, instance)
        if instance
        else Candidate(history_url(project, instance_id), "instance", instance_id, "", project)
        for (project, instance_id), instance in zip(pairs, known, strict=True)
    )


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


def _instances(
    projects: Sequence[Project], now: datetime, viewer: str
) -> tuple[list[Known], tuple[tuple[Project, Problem], ...]]:
    known: list[Known] = []
    problems = []
    for project in projects:
        try:
            listing = project_instances(project, now=now, viewer=viewer)
        except NothingToShow as nothing:
            problems.append((project, nothing.problem))
            continue
        known += [(project, instance) for instance in listing.records if instance_url(project, instance)]
        if listing.problem:
            problems.append((project, listing.problem))
    return known, tuple(problems)


def _by_name(text: str, known: Sequence[Known], *, certain: bool) -> tuple[Candidate, ...]:
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


def _of_backup(project: Project, instance: Instance, record: BackupRecord) -> Candidate:
    url = backup_url(project, instance.instance_id, record)
    return Candidate(url, "backup", record.name or record.backup_id, instance.name, project, certain=True)


def _of_instance(project: Project, instance: Instance, *, certain: bool = False) -> Candidate:
    title = instance.name or instance.instance_id
    url = instance_url(project, instance)
    return Candidate(url, "instance", title, instance.instance_id, project, certain)
