"""What each viewer must see, by the emulator's own records: the right backups, projects and name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from backups.emulator.fleet import Fleet, Instance

FOUND = "cache"
PER_PAGE = 50
# Histories of some length without oddities, one for each viewer in turn.
INSTANCES = ("orders-cache", "sessions-live", "recommendations", "search-suggest", "baskets", "rate-limits")

Json = dict[str, Any]

_NAME = re.compile(r'class="who">Viewer (\d+)<')
_ROW = re.compile(r'<tr data-backup-id="([^"]+)"')
_PROJECT = re.compile(r'class="card" href="/projects/([^/"]+)/"')
_CANDIDATE = re.compile(r'class="card" href="/projects/([^/"]+)/instances/([^/"]+)/"')
_NOT_ALL_SEARCHED = "could not be searched fully"


@dataclass(frozen=True)
class Page:
    """`wrong` tells in words what is wrong with an answer of status 200, nothing if all is right."""

    name: str
    path: str
    wrong: Callable[[requests.Response], str]


class Truth:
    def __init__(self, fleet: Fleet, projects: tuple[str, ...]) -> None:
        self._projects = projects
        self._instances = {name: fleet.instances(fleet.project(name)) for name in projects}
        self._records = {
            name: {row.backup_id: json.loads(row.text) for row in fleet.backups(self._instance(name))}
            for name in INSTANCES
        }

    def pages_of(self, viewer: int) -> tuple[Page, ...]:
        """The pages that this viewer looks at; of two viewers the second one sees the second project too."""
        seen = self._projects[: 1 + viewer % 2]
        name = INSTANCES[viewer % len(INSTANCES)]
        instance, records = self._instance(name), self._records[name]
        history = f"/projects/{self._projects[0]}/instances/{instance.instance_id}/"

        def of_viewer(check: Callable[[str], str]) -> Callable[[requests.Response], str]:
            def wrong(answer: requests.Response) -> str:
                names = set(_NAME.findall(answer.text))
                return check(answer.text) if names == {str(viewer)} else f"a page of viewer {names}"

            return wrong

        return (
            Page("history", history, of_viewer(lambda text: _history(text, instance, set(records)))),
            Page(
                "backups.json", f"{history}backups.json", lambda one: _exported(one.json(), instance, records)
            ),
            Page("home", "/", of_viewer(lambda text: _home(text, seen))),
            Page("find", f"/find/?q={FOUND}", of_viewer(lambda text: _found(text, self._named(seen)))),
        )

    def _instance(self, name: str) -> Instance:
        return next(one for one in self._instances[self._projects[0]] if one.name == name)

    def _named(self, projects: tuple[str, ...]) -> set[tuple[str, str]]:
        return {
            (project, instance.instance_id)
            for project in projects
            for instance in self._instances[project]
            if FOUND in instance.name
        }


def _history(text: str, instance: Instance, ids: set[str]) -> str:
    shown = _ROW.findall(text)
    if instance.instance_id not in text or not set(shown) <= ids:
        return "another history"
    return "" if len(set(shown)) == min(len(ids), PER_PAGE) else f"{len(shown)} rows"


def _exported(told: Json, instance: Instance, records: dict[str, Json]) -> str:
    if told["instance_id"] != instance.instance_id:
        return "another history"
    shown = {one["backup_id"]: (one["name"], one["status"], one["error_code"]) for one in told["backups"]}
    right = {
        id: (record["backup_name"], record["status"], record.get("error_code") or None)
        for id, record in records.items()
    }
    matching = len(shown.items() & right.items())
    return "" if shown == right else f"{len(shown)} backups, {matching} of them right"


def _home(text: str, projects: tuple[str, ...]) -> str:
    shown = _PROJECT.findall(text)
    return "" if shown == list(projects) else f"the projects {shown}"


def _found(text: str, named: set[tuple[str, str]]) -> str:
    shown = set(_CANDIDATE.findall(text))
    whole = shown == named or (shown < named and _NOT_ALL_SEARCHED in text)
    return "" if whole else f"found {len(shown)} in place of {len(named)}"
