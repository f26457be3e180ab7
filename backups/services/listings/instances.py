"""The lists of a project's instances, and single instances out of what is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ...dcs.records import Instance
from ..projects import Project
from . import guard, reader
from .generations import Cached
from .guard import CacheSnapshot, snapshots
from .listing import Listing, Visit, listing_of
from .subjects import Subject


def project_instances(
    project: Project, *, now: datetime, patience: float | None = None, viewer: str = ""
) -> Listing[Instance]:
    """Return all instances of a project, whose rows hold them by then. Raises NothingToShow."""
    [snapshot] = snapshots(Subject("instances", project))
    return listing_of(snapshot, Visit(now, viewer, patience))


def notes_of_instances(projects: Iterable[Project]) -> list[CacheSnapshot]:
    """Return what is known of the lists of projects, without asking DCS."""
    return snapshots(*(Subject("instances", project) for project in projects))


def cached_instance(project: Project, instance_id: str) -> Instance | None:
    """Return the instance that is at hand without asking DCS, however old; the project's list tells less."""
    [instance] = cached_instances([(project, instance_id)])
    return instance


def cached_instances(wanted: Sequence[tuple[Project, str]]) -> list[Instance | None]:
    """Return the instances that are at hand without asking DCS, however old, by one look-up in the store."""
    projects = list(dict.fromkeys(project for project, _ in wanted))
    shown = [Subject("instance", project, instance_id) for project, instance_id in wanted]
    found = snapshots(*shown, *(Subject("instances", project) for project in projects))
    lists = {snapshot.subject.project: snapshot.cached for snapshot in found[len(wanted) :]}
    return [
        by_id(snapshot.cached, instance_id) or by_id(lists[project], instance_id)
        for snapshot, (project, instance_id) in zip(found, wanted, strict=False)
    ]


def at_hand(
    projects: Iterable[Project], *, now: datetime, viewer: str = ""
) -> list[tuple[Project, Instance]]:
    """Return the instances in the lists that are at hand; a list that is not is begun to be read."""
    found = []
    for snapshot in notes_of_instances(projects):
        if snapshot.cached:
            project = snapshot.subject.project
            found += [(project, instance) for instance in snapshot.cached.decoded.records]
        elif guard.refusal(snapshot, now) is None:
            reader.begin(snapshot, now=now, viewer=viewer)
    return found


def by_id(cached: Cached | None, instance_id: str) -> Instance | None:
    instances = cached.decoded.records if cached else ()
    return next((one for one in instances if one.instance_id == instance_id), None)
