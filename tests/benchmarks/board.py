"""What the board of many instances costs: one view of it, with 100 rows, and its JSON."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from . import stub
from .in_process import Pages, session_cookies, set_up
from .report import Row
from .servers import Child, answer_orders, postgresql, production

ADDRESSES = {
    "100 rows": "/",
    "filtered": "/?verdict=attention&q=cache&sort=-newest",
    "another objective": "/?rpo=6h",
    "as of a time": "/?as_of={now}",
    "all as JSON": "/instances.json",
}


def measure(effort):
    with TemporaryDirectory(prefix="portal-bench-") as folder:
        rows = _measured("SQLite", f"sqlite:///{folder}/portal.sqlite3", effort)
        with postgresql(Path(folder)) as postgres:
            if postgres is None:
                return [*rows, Row("PostgreSQL: the same", None, why_not="PostgreSQL is not installed")]
            return rows + _measured("PostgreSQL", postgres.url, effort)


def _measured(database, url, effort):
    with stub.running() as upstream:
        # As it is usually: who collects is asked only where it is off.
        environment = production("", upstream.endpoint, 8000, DATABASE_URL=url, COLLECT="on")
        with Child("board", **environment) as portal:
            portal.ask(do="fill", instances=effort.records)
            told = {
                name: portal.ask(
                    do="look", path=path, times=effort.requests if path == "/" else effort.rounds
                )
                for name, path in ADDRESSES.items()
            }
    assert {one["status"] for one in told.values()} == {200}, told
    n = f"{effort.records:,} instances"
    first = told.pop("100 rows")
    rows = [
        Row(f"board of {n}, 100 rows, processor time", first["cpu"], "ms", most=0.1),
        Row(f"board of {n}, 100 rows: queries", first["queries"], "", most=5),
        *(Row(f"board of {n}, {name}, processor time", one["cpu"], "ms") for name, one in told.items()),
    ]
    return [replace(row, what=f"{database}: {row.what}") for row in rows]


# A process of the portal ----------------------------------------------------------


class Portal:
    def __init__(self):
        set_up()

    def answer(self, do, **options):
        return getattr(self, do)(**options) or {}

    def fill(self, instances):
        """Keep a project whose instances were read within the last hour; every tenth has no new backup."""
        from django.core.handlers.wsgi import WSGIHandler
        from django.core.management import call_command
        from django.db.models import F

        from backups.dcs.records import Instance
        from backups.dcs.walk import Walk
        from backups.models import InstanceSummary
        from backups.services.listings import Subject, recorder
        from backups.services.projects import configured_projects
        from tests.benchmarks.evidence import USUAL
        from tests.services.readings import walk_of

        call_command("migrate", verbosity=0)
        project, now = configured_projects()["default"], datetime.now(UTC)
        records = tuple(map(Instance.from_api, map(_told, range(instances))))
        listed = Walk((), records, instances, False, False)
        recorder.accept(Subject("instances", project), listed, read_at=now).write()
        sent = [_backup(now - timedelta(hours=5 + 24 * day), day) for day in range(USUAL)]
        subject = Subject("backups", project, records[0].instance_id)
        recorder.accept(subject, walk_of(sent), read_at=now).write()
        model = InstanceSummary.objects.exclude(facts="").get()
        fields = ("facts", "verdict", "reason", "since", "holds_until", "newest_at", "days")
        rows = InstanceSummary.objects.annotate(minute=F("pk") % 60, tenth=F("pk") % 10)
        rows.update(**{name: getattr(model, name) for name in fields})
        rows.filter(tenth=0).update(verdict="attention", reason="objective_missed")
        for minute in range(60):
            rows.filter(minute=minute).update(read_at=now - timedelta(minutes=minute))
        self._pages = Pages(WSGIHandler(), session_cookies(1)[0])

    def look(self, path, times):
        from django.db import connection

        path = path.replace("{now}", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        asked = []

        def count(execute, *arguments):
            asked.append(arguments[0])
            return execute(*arguments)

        self._pages.ask(path)
        with connection.execute_wrapper(count):
            self._pages.ask(path)
        told = self._pages.ask(path, times=times)
        return {"status": told["status"], "cpu": told["cpu"], "queries": len(asked)}


def _told(n):
    return {
        "instance_id": f"{n:08x}-0000-4000-8000-000000000000",
        "name": f"{('orders', 'sessions', 'baskets')[n % 3]}-cache-{n}",
        "engine": "Redis",
        "engine_version": ("5.0", "6.0", "7.0")[n % 3],
        "status": "RUNNING",
        "tags": [{"key": "team", "value": f"team-{n % 20}"}],
    }


def _backup(at, day):
    from tests.services.api_records import EXPIRED, api_time, raw

    times = dict.fromkeys(("created_at", "execution_at", "updated_at"), api_time(at))
    return raw(day, **times, **(EXPIRED if day > 7 else {}))


if __name__ == "__main__":
    answer_orders(lambda: Portal().answer)
