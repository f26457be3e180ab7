"""Find: from whatever stands in a ticket to the page that it means.

A pasted link of this portal, ids, names and codes of errors picked out of any text, or a part of an
instance's name. Only the projects that the viewer may see are searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ...dcs.records import BackupRecord, Instance
from ..evidence import KnownBackup, backups_by_id, instances_by_id
from ..history import backup_url, history_url, instance_url, page_url
from ..listings import NothingToShow, at_hand, cached_histories, cached_instances, project_instances
from ..pasted import GrammarOf, ids_in, links_in, time_in, without_marks
from ..problems import Problem
from ..projects import Project
from ..words import zone_label
from .backup_search import Known, Search, search_dcs

ERROR_CODE = re.compile(r"(?<![A-Za-z0-9_.])dcs\.\d{2}\.\d{4}(?![A-Za-z0-9_])", re.IGNORECASE)
MOST_CANDIDATES = 50
MOST_SUGGESTIONS = 8
Problems = tuple[tuple[Project, Problem], ...]
# The pages that are of no one project.
_OVERVIEWS = {"home": _("All instances"), "failures": _("Failures"), "changes": _("Changes")}


@dataclass(frozen=True)
class Candidate:
    """One page that the text may mean, and whether that is certain: it is named.

    `kind`: instance, backup, recovery-point, project or board, which is of no `project`.
    """

    url: str
    kind: str
    title: str
    detail: str
    project: Project | None
    certain: bool = False


@dataclass(frozen=True)
class Found:
    """What the text may mean; where DCS did not answer, in `problems`, nobody knows of more.

    `unknown` are ids of which nothing is known: DCS may know a backup by one. `search` tells how far the
    search for it there is, where the viewer has asked for one and no other of theirs is under way.
    `more` counts the candidates that are too many to be listed.
    """

    candidates: tuple[Candidate, ...]
    searched: tuple[Project, ...]
    problems: Problems = ()
    unknown: tuple[str, ...] = ()
    search: Search | None = None
    more: int = 0
    another_is_under_way: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether histories are left to be read for a backup that was not found yet."""
        return self.search is not None and self.search.goes_on

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
    zone: tzinfo,
    viewer: str,
    search_began: datetime | None,
) -> Found:
    """Search the given projects for what `text` means.

    `grammar_of` tells how the links of a page are read, `zone` is that of a written time which names none.
    With `search_began` the viewer has asked to search DCS, then, for a backup that is not known.
    """
    if linked := _linked(text, {project.name: project for project in projects}, grammar_of):
        found = Found(linked, tuple(projects))
    elif ids := ids_in(text):
        found = _by_id(ids, projects, now, viewer, search_began)
    else:
        known, problems = _instances(projects, now, viewer)
        candidates = _by_name(text, known, certain=not problems) or _named_in(text, known, projects)
        found = Found(candidates, tuple(projects), problems)
    candidates = found.candidates if linked else _with_what_else(text, found.candidates, zone, now)
    more = max(0, len(candidates) - MOST_CANDIDATES)
    return replace(found, candidates=candidates[:MOST_CANDIDATES], more=more)


def recognised(text: str, found: Found) -> str:
    """Return the ids, names and codes that were found in a text which is too long for an address."""
    names = [candidate.title for candidate in found.candidates if candidate.kind != "recovery-point"]
    return " ".join(dict.fromkeys((*ids_in(text), *names, *ERROR_CODE.findall(text))))


def suggestions(
    text: str, projects: Sequence[Project], *, now: datetime, viewer: str
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


def _linked(text: str, projects: dict[str, Project], grammar_of: GrammarOf) -> tuple[Candidate, ...]:
    """Return the pages of this portal that are linked in the text, with their query."""
    found: dict[str, Candidate] = {}
    links = links_in(text, grammar_of)
    # A ticket links the backups that it names as well: it is about the page that it dates.
    dated = [link for link in links if any(name in ("seen", "as_of") for name, _ in link.query.pairs)]
    is_of_one = len({(link.project, link.instance_id) for link in links}) == 1
    if len(dated) == 1 and (is_of_one or dated[0].kind in _OVERVIEWS):
        links = dated
    for link in links:
        project, overview = projects.get(link.project), _OVERVIEWS.get(link.kind)
        if project is None and overview is None:
            continue
        kind = "instance" if link.kind == "history" else "board" if overview else link.kind
        title = str(overview or link.backup_id or link.instance_id or link.project)
        url = page_url(link.kind, link.ids, link.query.pairs)
        found.setdefault(url, Candidate(url, kind, title, "", project, certain=True))
    return tuple(found.values())


def _by_id(
    ids: Sequence[str], projects: Sequence[Project], now: datetime, viewer: str, search_began: datetime | None
) -> Found:
    """Return what has these ids: out of what is kept, else the lists of instances, else DCS if asked to."""
    backups, instances = [*backups_by_id(ids, projects)], [*instances_by_id(ids, projects)]

    def unknown() -> tuple[str, ...]:
        known = {record.backup_id for *_, record in backups} | {one.instance_id for _, one in instances}
        return tuple(wanted for wanted in ids if wanted not in known)

    problems: Problems = ()
    search, is_refused = None, False
    # Beside a backup that is known a ticket has the ids of requests.
    if (missing := unknown()) and (search_began or not backups):
        listed, problems = _instances(projects, now, viewer)
        instances += [(project, one) for project, one in listed if one.instance_id in missing]
        if search_began and (wanted := unknown()):
            # A ticket names the instance beside the backup: DCS is asked no further than there.
            search = search_dcs(wanted, instances or listed, now=now, began=search_began, viewer=viewer)
            is_refused = search is None
            backups += search.hits if search else ()
    found = _with_ids(backups, instances)
    return Found(found, tuple(projects), problems, unknown(), search, another_is_under_way=is_refused)


def _with_ids(backups: Sequence[KnownBackup], instances: Sequence[Known]) -> tuple[Candidate, ...]:
    named = {instance.instance_id for _, instance in instances}
    # Two instances may have backups of one id: a ticket that names one of them means that.
    backups = [hit for hit in backups if hit[1].instance_id in named] or backups
    parents = {instance.instance_id for _, instance, _ in backups}
    found = [_of_backup(*hit) for hit in backups]
    found += [_of_instance(*pair, certain=True) for pair in instances if pair[1].instance_id not in parents]
    return tuple(found)


def _instances(projects: Sequence[Project], now: datetime, viewer: str) -> tuple[list[Known], Problems]:
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
    name = " ".join(text.casefold().split())
    exact = [(p, i) for p, i in known if i.name.casefold() == name or i.instance_id == text.strip()]
    partly = [(p, i) for p, i in known if name and all(word in i.search_text for word in name.split())]
    rest = sorted((pair for pair in partly if pair not in exact), key=lambda pair: pair[1].name.casefold())
    found = [_of_instance(*pair, certain=certain) for pair in exact]
    return (*found, *(_of_instance(*pair) for pair in rest))


def _named_in(text: str, known: Sequence[Known], projects: Sequence[Project]) -> tuple[Candidate, ...]:
    """Return what a sentence names: instances, else backups or codes of histories at hand, else projects."""
    folded = " ".join(text.casefold().split())
    if found := [pair for pair in known if _is_named(pair[1].name.casefold(), folded)]:
        return tuple(_of_instance(*pair) for pair in found)
    # Chinese puts no spaces around a name.
    words = {without_marks(word) for word in folded.split()} | set(re.findall("[a-z0-9._-]+", folded))
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
        return tuple(backups or failed)
    return tuple(
        Candidate(reverse("project", args=[project.name]), "project", project.name, project.region, project)
        for project in named
    )


def _is_named(name: str, text: str) -> bool:
    """Whether an instance's name stands in the text, as a word of it."""
    if len(name) < 3 or name not in text:
        return False
    return bool(re.search(rf"(?<![a-z0-9_-]){re.escape(name)}(?![a-z0-9_-])", text))


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
