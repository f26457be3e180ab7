"""What viewers of a soak ask for, at random, and which answers to it are documented."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from backups.emulator.fleet import Fleet

from .http import Answer
from .rhythm import DELETED

STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted", "other")
SORTS = ("started", "created", "finished", "duration", "size", "status", "type", "name")
WORDS = ("backup", "manual", "before", "release", "订单", "2026", "e", "0")
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Pacific/Auckland")
WRONG = (
    "/nowhere",
    "/projects/none/",
    "/projects/eu-prod/instances/%20/",
    "/projects/eu-prod/instances/" + "a" * 65 + "/",
    "/projects/eu-prod/instances/x/nothing/",
    "/static/nothing.css",
    "/.env",
    "/admin/",
    "/%00",
)
GARBAGE = ("status", "type", "sort", "page", "per_page", "tz", "range", "from", "to", "q", "error", "at", "x")
LIVE = {"HX-Request": "true", "Sec-Fetch-Mode": "cors"}
FETCHED = {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}


@dataclass(frozen=True)
class Errand:
    """One request. `fine` are the statuses that it ends with while all is well.

    `asks_dcs`: DCS may be in the way. `limited`: who asks too often is refused.
    """

    kind: str
    path: str
    fine: frozenset[int] = frozenset({200})
    asks_dcs: bool = False
    limited: bool = False
    form: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def wrong(self, answer: Answer) -> str:
        """Return what is not documented of this answer, nothing where all is."""
        status = answer.status
        if status in self.fine:
            return _wrong_content(self, answer)
        if status == 429 and self.limited:
            return "" if answer.header("Retry-After") else "429 without Retry-After"
        if status == 503 and (self.asks_dcs or self.form is not None):
            return "" if answer.header("Retry-After") else "503 without Retry-After"
        if status == 502 and self.asks_dcs:
            return "" if _names_a_problem(answer) else "502 that names no problem of DCS"
        if status == 404 and self.asks_dcs and DELETED in self.path:
            return ""
        return f"{status}, not {' or '.join(map(str, sorted(self.fine)))}"


def _names_a_problem(answer: Answer) -> bool:
    told = any(answer.header(name) for name in ("X-Shown-Generation", "X-Problem", "X-Ticket"))
    return told or b'"kind"' in answer.body


def _wrong_content(errand: Errand, answer: Answer) -> str:
    if errand.kind != "JSON" or answer.status != 200:
        return ""
    export = json.loads(answer.body)
    if export["instance_id"] not in errand.path or len(export["backups"]) != export["matched"]:
        return "the JSON of something else"
    return ""


class Menu:
    """Errands at random. What viewers find on their way, others may ask for later."""

    def __init__(self, fleet: Fleet, static: tuple[str, ...]) -> None:
        self.static = static
        self.projects = [project.name for project in fleet.projects]
        self.instances = [
            (project.name, one.instance_id, one.name)
            for project in fleet.projects
            for one in fleet.instances(project)
        ]
        self.backups: dict[str, list[str]] = {}
        self._kinds: dict[Callable[[random.Random], Errand], int] = {
            self.history: 34,
            self.json: 8,
            self.csv: 6,
            self.backup: 8,
            self.recovery_point: 8,
            self.ticket: 3,
            self.find: 4,
            self.suggestions: 4,
            self.home: 4,
            self.project: 5,
            self.refresh: 2,
            self.static_file: 5,
            self.preferences: 1,
            self.health: 1,
            self.wrong_address: 3,
            self.unknown_instance: 1,
            self.garbage: 5,
        }

    def any(self, chance: random.Random) -> Errand:
        [make] = chance.choices(list(self._kinds), list(self._kinds.values()))
        return make(chance)

    def noticed(self, errand: Errand, answer: Answer) -> None:
        """Remember the backups that an export told of."""
        if errand.kind == "JSON" and answer.status == 200:
            export = json.loads(answer.body)
            found = [one["backup_id"] for one in export["backups"][:20] if one["status"] == "succeed"]
            self.backups[export["instance_id"]] = found or self.backups.get(export["instance_id"], [])

    # Pages of an instance ----------------------------------------------------

    def history(self, chance: random.Random) -> Errand:
        return Errand("history", self._of_instance(chance) + _filters(chance), asks_dcs=True)

    def json(self, chance: random.Random) -> Errand:
        path = self._of_instance(chance) + "backups.json" + _filters(chance)
        # Read by whoever asks, so not compressed.
        return Errand(
            "JSON", path, asks_dcs=True, limited=True, headers=FETCHED | {"Accept-Encoding": "identity"}
        )

    def csv(self, chance: random.Random) -> Errand:
        path = self._of_instance(chance) + "backups.csv" + _filters(chance)
        return Errand("CSV", path, asks_dcs=True, limited=True)

    def backup(self, chance: random.Random) -> Errand:
        known = [(instance, ids) for instance, ids in list(self.backups.items()) if ids]
        if not known:
            return self.json(chance)
        instance_id, ids = chance.choice(known)
        project = next(project for project, instance, _ in self.instances if instance == instance_id)
        path = f"/projects/{project}/instances/{instance_id}/backups/{chance.choice(ids)}/"
        return Errand("one backup", path + chance.choice(("", "", "ticket/")), asks_dcs=True)

    def recovery_point(self, chance: random.Random) -> Errand:
        at = chance.choice(("", f"?at={_moment(chance)}", "?at=2+h+ago", f"?at={_moment(chance)}&tz=UTC"))
        return Errand("recovery point", self._of_instance(chance) + f"recovery-point/{at}", asks_dcs=True)

    def ticket(self, chance: random.Random) -> Errand:
        return Errand("ticket", self._of_instance(chance) + "ticket/" + _filters(chance), asks_dcs=True)

    def refresh(self, chance: random.Random) -> Errand:
        path = self._of_instance(chance)
        return Errand(
            "refresh", f"{path}refresh/", frozenset({302}), asks_dcs=True, limited=True, form={"next": path}
        )

    def unknown_instance(self, chance: random.Random) -> Errand:
        path = f"/projects/{chance.choice(self.projects)}/instances/{uuid.UUID(int=chance.getrandbits(128))}/"
        return Errand("unknown instance", path, frozenset({404}), asks_dcs=True, limited=True)

    def _of_instance(self, chance: random.Random) -> str:
        project, instance_id, _ = chance.choice(self.instances)
        return f"/projects/{project}/instances/{instance_id}/"

    # Others ------------------------------------------------------------------

    def home(self, chance: random.Random) -> Errand:
        return Errand("home", chance.choice(("/", "/", "/keyboard/")))

    def project(self, chance: random.Random) -> Errand:
        query = chance.choice(("", "", "?q=orders", "?status=RUNNING", "?sort=-name"))
        return Errand("project", f"/projects/{chance.choice(self.projects)}/{query}", asks_dcs=True)

    def find(self, chance: random.Random) -> Errand:
        path = f"/find/?{urlencode({'q': self._wish(chance)})}"
        return Errand("find", path, frozenset({200, 302}), asks_dcs=True, limited=True)

    def suggestions(self, chance: random.Random) -> Errand:
        path = f"/find/suggestions/?{urlencode({'q': self._wish(chance)[: chance.randint(1, 12)]})}"
        return Errand("suggestions", path, limited=True, headers=LIVE)

    def _wish(self, chance: random.Random) -> str:
        project, instance_id, name = chance.choice(self.instances)
        ids = self.backups.get(instance_id) or ["4631832a-14c6-45b0-a0b3-3abd8f591ad1"]
        link = f"look at https://portal.example/projects/{project}/instances/{instance_id}/ please"
        return chance.choice((name, instance_id, link, chance.choice(ids), f"{chance.getrandbits(64):x}"))

    def static_file(self, chance: random.Random) -> Errand:
        return Errand("static file", chance.choice(self.static), headers={"Sec-Fetch-Mode": "no-cors"})

    def preferences(self, chance: random.Random) -> Errand:
        form = chance.choice(
            (
                {"language": chance.choice(("en", "zh-hans"))},
                {"zone": chance.choice(ZONES)},
                {"theme": chance.choice(("light", "dark", "system"))},
            )
        )
        return Errand("preferences", "/preferences/", frozenset({303}), form=form | {"next": "/"})

    def health(self, chance: random.Random) -> Errand:
        return Errand("health, metrics", chance.choice(("/healthz", "/readyz", "/metrics")))

    def wrong_address(self, chance: random.Random) -> Errand:
        return Errand("wrong address", chance.choice(WRONG), frozenset({404}))

    def garbage(self, chance: random.Random) -> Errand:
        page = chance.choice(("", "", "backups.json", "backups.csv", "recovery-point/", "ticket/"))
        values = [
            f"{chance.choice(GARBAGE)}={quote(chance.randbytes(chance.randint(0, 40)))}"
            for _ in range(chance.choice((1, 2, 5, 150)))
        ]
        path = self._of_instance(chance) + page + "?" + "&".join(values)
        fine = frozenset({200, 400})
        return Errand("garbage", path, fine, asks_dcs=True, limited=bool(page), headers=FETCHED)


# Queries of a history ----------------------------------------------------------


def _filters(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return ""
    values = (
        ("status", chance.choice(STATUSES)),
        ("status", chance.choice(STATUSES)),
        ("type", chance.choice(("manual", "auto", "other"))),
        ("format", chance.choice(("rdb", "aof", "other"))),
        ("restorable", chance.choice(("yes", "no", "unknown"))),
        ("error", f"dcs.08.{chance.randint(0, 20):04}"),
        ("q", chance.choice((*WORDS, f"{chance.getrandbits(12):x}"))),
        ("sort", chance.choice(("", "-")) + chance.choice(SORTS)),
        ("page", str(chance.randint(1, 9))),
        ("per_page", str(chance.choice((25, 50, 100, 200)))),
        ("tz", chance.choice(ZONES)),
    )
    made = [value for value in values if chance.random() < 0.2]
    made += chance.choice(([], [], [("range", chance.choice(("24h", "7d", "30d")))], _bounds(chance)))
    return f"?{urlencode(made)}" if made else ""


def _bounds(chance: random.Random) -> list[tuple[str, str]]:
    return [("from", _moment(chance)), ("to", "2027-01-01")]


def _moment(chance: random.Random) -> str:
    day, second = chance.randint(1, 28), chance.randint(0, 86_399)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"2026-{chance.randint(1, 11):02}-{day:02}T{clock}Z"
