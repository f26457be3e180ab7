"""Find: from whatever stands in a ticket to the page that it means.

A pasted link of this portal, ids, names and codes of errors picked out of any text, or a part of an
instance's name. Only the projects that the viewer may see are searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlencode

from django.urls import reverse

from ...dcs.records import BackupRecord, Instance
from ..history import backup_url, history_url, instance_url, page_url
from ..listings import NothingToShow, at_hand, cached_histories, cached_instances, project_instances
from ..pasted import GrammarOf, ids_in, links_in, time_in, without_marks
from ..problems import Problem
from ..projects import Project
from ..words import zone_label
from .backup_search import Known, Search, search_backups

ERROR_CODE = re.compile(r"(?<![A-Za-z0-9_.])dcs\.\d{2}\.\d{4}(?![A-Za-z0-9_])", re.IGNORECASE)
MOST_CANDIDATES = 50
MOST_SUGGESTIONS = 8


@dataclass(frozen=True)
class Candidate:
    """One page that the text may mean, and whether that is certain: it is named.

    `kind`: instance, backup, recovery-point or project.
    """

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
    grammar_of: GrammarOf,
    now: datetime,
    zone: tzinfo = UTC,
    began: datetime | None = None,
    viewer: str = "",
) -> Found:
    """Search the given projects for what `text` means; `began` is when a search did that goes on.

    `grammar_of` tells how the links of a page are read, `zone` is that of a written time which names none.
    """
    linked = _linked(text, {project.name: project for project in projects}, grammar_of)
    if linked:
        return Found(tuple(linked), tuple(projects))
    known, problems = _instances(projects, now, viewer)
    ids = ids_in(text)
    if not ids:
        candidates = _by_name(text, known, certain=not problems) or _named_in(text, known, projects)
        return Found(_with_what_else(text, candidates, zone, now), tuple(projects), problems)
    named = [(p, i) for p, i in known if i.instance_id.lower() in ids]
    left = [wanted for wanted in ids if wanted not in {i.instance_id.lower() for _, i in named}]
    # A ticket names the instance beside the backup: look no further than there first.
    search = None
    if left:
        search = search_backups(left, named or known, now=now, began=began or now, viewer=viewer)
    hits = search.hits if search else ()
    parents = {instance.instance_id for _, instance, _ in hits}
    found = [_of_backup(*hit) for hit in hits]
    found += [_of_instance(p, i, certain=True) for p, i in named if i.instance_id not in parents]
    return Found(_with_what_else(text, tuple(found), zone, now), tuple(projects), problems, search)


def recognised(text: str, found: Found) -> str:
    """Return the ids, names and codes that were found in a text which is too long for an address."""
    names = [candidate.title for candidate in found.candidates if candidate.kind != "recovery-point"]
    return " ".join(dict.fromkeys((*ids_in(text), *names, *ERROR_CODE.findall(text))))


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


def _linked(text: str, projects: dict[str, Project], grammar_of: GrammarOf) -> list[Candidate]:
    """Return the pages of this portal that are linked in the text, with their query."""
    found: dict[str, Candidate] = {}
    for link in links_in(text, grammar_of):
        project = projects.get(link.project)
        if project is None:
            continue
        kind = "instance" if link.kind == "history" else link.kind
        title = link.backup_id or link.instance_id or project.name
        url = page_url(link.kind, link.ids, link.query.pairs)
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


def _in_text(text: str, known: Sequence[Known]) -> list[Known]:
    """Return the instances whose names stand in the text, as words of it."""
    words = " ".join(text.casefold().split())
    return [
        (project, instance)
        for project, instance in known
        if len(name := instance.name.casefold()) > 2
        and name in words
        and re.search(rf"(?<![a-z0-9_-]){re.escape(name)}(?![a-z0-9_-])", words)
    ]


def _named_in(text: str, known: Sequence[Known], projects: Sequence[Project]) -> tuple[Candidate, ...]:
    """Return what a sentence names: instances, else backups or codes of histories at hand, else projects."""
    if found := _in_text(text, known):
        return tuple(_of_instance(project, instance) for project, instance in found[:MOST_CANDIDATES])
    words = {without_marks(word) for word in text.casefold().split()}
    # Chinese puts no spaces around a name.
    words.update(re.findall("[a-z0-9._-]+", text.casefold()))
    codes = {code.lower() for code in ERROR_CODE.findall(text)}
    named = [project for project in projects if project.name.casefold() in words]
    known = [(project, instance) for project, instance in known if project in named or not named]
    backups, failed = [], []
    pairs = [(project, instance.instance_id) for project, instance in known]
    for (project, instance), snapshot in zip(known, cached_histories(pairs), strict=True):
        records = snapshot.cached.decoded.records if snapshot.cached else ()
        backups += [_of_backup(project, instance, r) for r in records if r.name.casefold() in words]
        failed += [_of_instance(project, instance)] if any(r.error_code in codes for r in records) else []
    if backups or failed:
        return tuple((backups or failed)[:MOST_CANDIDATES])
    return tuple(
        Candidate(reverse("project", args=[project.name]), "project", project.name, project.region, project)
        for project in named
    )


def _with_what_else(
    text: str, candidates: tuple[Candidate, ...], zone: tzinfo, now: datetime
) -> tuple[Candidate, ...]:
    """Return the candidates with what the text says beside an instance: an error, or a time to recover to."""
    instances = [candidate for candidate in candidates if candidate.kind == "instance"]
    codes = dict.fromkeys(code.lower() for code in ERROR_CODE.findall(text))
    if codes and len(instances) == len(candidates):
        query = urlencode([("error", code) for code in codes])
        return tuple(replace(one, url=f"{one.url}?{query}", detail=", ".join(codes)) for one in instances)
    if len(candidates) != 1 or not instances:
        return candidates
    asked = time_in(text, zone=zone, now=now)
    if asked is None:
        return candidates
    [instance] = instances
    local = asked.at.astimezone(asked.zone)
    query = urlencode({"at": local.isoformat(), "tz": getattr(asked.zone, "key", "UTC")}, safe=":")
    point = replace(
        instance,
        url=f"{instance.url}recovery-point/?{query}",
        kind="recovery-point",
        detail=f"{local:%Y-%m-%d %H:%M} {zone_label(local)}",
        certain=False,
    )
    return point, replace(instance, certain=False)


def _of_backup(project: Project, instance: Instance, record: BackupRecord) -> Candidate:
    url = backup_url(project, instance.instance_id, record)
    return Candidate(url, "backup", record.name or record.backup_id, instance.name, project, certain=True)


def _of_instance(project: Project, instance: Instance, *, certain: bool = False) -> Candidate:
    title = instance.name or instance.instance_id
    url = instance_url(project, instance)
    return Candidate(url, "instance", title, instance.instance_id, project, certain)
