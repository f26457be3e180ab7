"""What a cached history costs, beside plain views of 20 kB and Django's admin over the same records."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .effort import Effort
from .http import get, template
from .portal import Server, history, portal, prepared, production, served_like
from .processes import Child, Failed, clean_environment
from .report import Column, Results, Table, Target
from .upstream import Upstream

CONNECTIONS = 4
# Every filter of the page, and an end that no request has named before: {n} is another second for each.
ALL_FILTERS = (
    "status=succeed&status=expired&type=auto&type=manual&format=rdb&format=aof&restorable=yes&restorable=no"
    "&q=backup&from=1999-01-01T00:00:00Z&to=2199-01-01T00:00:00.{n}Z&sort=-size"
)
ERROR_CODES = "".join(f"&error=dcs.08.000{n}" for n in range(1, 9))

HISTORY, BEHIND, BARE = "history, 50 rows", "20 kB, same middleware", "20 kB, no middleware"
HISTORY_200, FILTERED, ERRORS = "history, 200 rows", "history, all filters, sorted", "the same, by error code"
ADMIN, ADMIN_100 = "Django's admin, 50 rows", "Django's admin, 100 rows"

ROW, JSON_ROW, ADMIN_ROW = b"data-backup-id=", b'"backup_id":', b'class="action-select"'

Row = dict[str, Any]


@dataclass
class Page:
    """One address that is asked in turn with the others, and what that took in each round."""

    name: str
    server: Server
    path: str
    status: int = 200
    # How often these bytes must be in the answer at least: what is not there was not measured.
    marks: tuple[bytes, int] = (b"", 0)
    # One viewer, or several who ask in turn: each may export so often in a minute.
    headers: list[dict[str, str]] = field(default_factory=list)
    # Where {n} starts: fractions of a second have six digits.
    first: int = 100_000
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    size: float = 0.0

    def check(self) -> None:
        asked = template(self.server.port, self.path, self._headers[0] | {"Accept-Encoding": "identity"})
        answer = self.server.ask(asked(self.first - 1))
        mark, number = self.marks
        if answer.status != self.status or (number and answer.body.count(mark) < number):
            raise Failed(f"{self.path} was answered {answer.status}, without {number} times {mark!r}")

    @property
    def _headers(self) -> list[dict[str, str]]:
        return self.headers or [self.server.headers()]

    def ask(self, load: Child, seconds: float) -> None:
        before = self.server.cpu
        told = load.ask(
            {
                "port": self.server.port,
                "path": self.path,
                "headers": self._headers,
                "status": self.status,
                "connections": CONNECTIONS,
                "seconds": seconds,
                "first": self.first,
            }
        )
        self.first = told["next"]
        self.size = told["bytes"]
        self.rates.append(told["requests"] / told["seconds"])
        self.costs.append((self.server.cpu - before) / told["requests"])


def measure(effort: Effort) -> Results:
    with (
        TemporaryDirectory(prefix="portal-bench-") as folder,
        Upstream() as upstream,
        _servers(Path(folder), upstream, records=effort.records, viewers=effort.viewers) as servers,
        Child(f"{__package__}.load", environment=clean_environment()) as load,
    ):
        pages = _pages(servers, effort.records)
        for page in pages:
            page.check()
            page.ask(load, effort.page_seconds / 2)
            page.rates.clear()
            page.costs.clear()
        upstream.asked()
        for _ in range(effort.page_rounds):
            for page in pages:
                page.ask(load, effort.page_seconds)
        if asked := upstream.asked():
            raise Failed(f"the cached history was not served from the cache: {asked}")
    return _results(pages, effort)


@contextmanager
def _servers(folder: Path, upstream: Upstream, *, records: int, viewers: int) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        ours = stack.enter_context(portal(folder, upstream, viewers=viewers, DCS_FRESH_SECONDS="3600"))
        environment = production(folder, upstream, ours.port)
        plain = environment | {"DJANGO_SETTINGS_MODULE": f"{__package__}.plain_views.settings"}
        admin = environment | {
            "DJANGO_SETTINGS_MODULE": f"{__package__}.admin_site.settings",
            "DATABASE_URL": f"sqlite:///{folder / 'admin.sqlite3'}",
        }
        cookie = prepared("admin_site", str(records), environment=admin)
        yield {
            "portal": ours,
            "plain": stack.enter_context(
                served_like(ours, "plain_views", plain, folder / "plain.log", *ours.cookies)
            ),
            "admin": stack.enter_context(
                served_like(ours, "admin_site", admin, folder / "admin.log", cookie)
            ),
        }


def _pages(servers: dict[str, Server], records: int) -> list[Page]:
    ours, plain, admin = servers["portal"], servers["plain"], servers["admin"]
    instance_id = f"records-{records}"
    first = ours.get(history(instance_id))
    if first.status != 200:
        raise Failed(f"the history was answered {first.status}")
    mark = {"HX-Request": "true", "X-Shown-Generation": first.header("X-Shown-Generation")}
    everything = history(instance_id, page="backups.json")
    day = history(instance_id, "range=24h", "backups.json")
    by_error = ALL_FILTERS.replace("expired", "failed") + ERROR_CODES
    # Each viewer may export so often in a minute, so all of them ask in turn.
    viewers = [ours.headers(viewer) for viewer in range(len(ours.cookies))]
    returning = [headers | {"If-None-Match": _etag(ours, everything, headers)} for headers in viewers]
    return [
        Page(HISTORY, ours, history(instance_id), marks=(ROW, 50)),
        Page(HISTORY_200, ours, history(instance_id, "per_page=200"), marks=(ROW, 200)),
        Page(FILTERED, ours, history(instance_id, ALL_FILTERS), marks=(ROW, 50)),
        Page(ERRORS, ours, history(instance_id, by_error), marks=(ROW, min(50, records // 40))),
        Page(
            "history that asks for itself (204)",
            ours,
            history(instance_id),
            204,
            headers=[ours.headers() | mark],
        ),
        Page("backups.json, all", ours, everything, headers=viewers, marks=(JSON_ROW, records)),
        Page("backups.json, 24 hours", ours, day, headers=viewers),
        Page("backups.json, not modified (304)", ours, everything, 304, headers=returning),
        Page(BEHIND, plain, "/behind/"),
        Page(BARE, plain, "/bare/"),
        Page(ADMIN, admin, "/admin50/admin_site/backup/", marks=(ADMIN_ROW, 50)),
        Page(ADMIN_100, admin, "/admin100/admin_site/backup/", marks=(ADMIN_ROW, 100)),
    ]


def _etag(server: Server, path: str, headers: dict[str, str]) -> str:
    answer = server.ask(get(server.port, path, headers | {"If-None-Match": "*"}))
    if answer.status != 304:
        raise Failed(f"{path} was answered {answer.status}, not 304")
    return answer.header("ETag")


def _results(pages: list[Page], effort: Effort) -> Results:
    cost = {page.name: statistics.median(page.costs) for page in pages}
    rows = [
        {
            "page": page.name,
            "rate": statistics.median(page.rates),
            "cpu": cost[page.name],
            "against_behind": cost[page.name] / cost[BEHIND],
            "against_admin": cost[ADMIN] / cost[page.name],
            "size": page.size,
        }
        for page in pages
    ]
    return Results([_table(rows, effort)], _targets(cost))


def _table(rows: list[Row], effort: Effort) -> Table:
    columns = (
        Column("page", "page"),
        Column("rate", "requests", "/s"),
        Column("cpu", "CPU a request", "ms"),
        Column("against_behind", "CPU, same middleware = 1", "x"),
        Column("against_admin", "cheaper than the admin, 50 rows", "x"),
        Column("size", "on the wire", "kB"),
    )
    notes = (
        f"A cached history of {effort.records:,} records. Three servers, each granian with 1 worker process: "
        "the portal as `./run serve` serves it, two plain views, the admin; each with database sessions on "
        "SQLite, signed in.",
        f"CPU is user and system time of the worker process by /proc. {CONNECTIONS} kept connections, "
        f"{effort.page_rounds} rounds of {effort.page_seconds:g} s in turns, medians. Each filtered request "
        "names a filter that was not seen before. All ask as browsers do: the portal compresses what it "
        "answers, also the view behind its middleware; the admin does not.",
    )
    return Table("Pages of a cached history", columns, rows, notes)


def _targets(cost: dict[str, float]) -> list[Target]:
    behind = cost[BEHIND]
    return [
        Target(
            "cached history page, 50 rows, CPU, against the view behind the same middleware",
            cost[HISTORY] / behind,
            most=2.0,
        ),
        Target(
            "the same, the admin's change list of 50 rows against it", cost[ADMIN] / cost[HISTORY], least=20
        ),
        Target("200 rows against 50 rows, cached, CPU", cost[HISTORY_200] / cost[HISTORY], most=1.6),
        Target(
            "all filters and sort, not seen before, CPU, against the view behind the same middleware",
            max(cost[FILTERED], cost[ERRORS]) / behind,
            most=3.5,
        ),
    ]
