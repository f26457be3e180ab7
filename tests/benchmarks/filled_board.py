"""In a process of the portal: a board whose instances were read within the last hour."""

from datetime import UTC, datetime, timedelta

from django.db.models import F

from backups.dcs.records import Instance
from backups.dcs.walk import Walk
from backups.models import InstanceSummary
from backups.services.listings import Subject, recorder
from backups.services.projects import configured_projects
from tests.services.api_records import EXPIRED, api_time, raw
from tests.services.readings import walk_of

from .portal import ask, migrate, statements

COPIED = ("facts", "verdict", "reason", "since", "holds_until", "newest_at", "days")


def fill(instances):
    """Keep a project with so many instances, which are copies of one; every tenth has no new backup."""
    migrate()
    project, now = configured_projects()["default"], datetime.now(UTC)
    records = tuple(Instance.from_api(_instance(n)) for n in range(instances))
    listed = Walk((), records, instances, False, False)
    recorder.record(Subject("instances", project), listed, read_at=now)
    sent = [_backup(now - timedelta(hours=5 + 24 * day), day) for day in range(72)]
    subject = Subject("backups", project, records[0].instance_id)
    recorder.record(subject, walk_of(sent), read_at=now)
    model = InstanceSummary.objects.exclude(facts="").get()
    rows = InstanceSummary.objects.annotate(minute=F("pk") % 60, tenth=F("pk") % 10)
    rows.update(**{name: getattr(model, name) for name in COPIED})
    rows.filter(tenth=0).update(verdict="attention", reason="objective_missed")
    for minute in range(60):
        rows.filter(minute=minute).update(read_at=now - timedelta(minutes=minute))


def look(path, times):
    path = path.replace("{now}", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    ask(path)
    return {"queries": len(statements(lambda: ask(path)))} | ask(path, times=times)


def _instance(n):
    return {
        "instance_id": f"{n:08x}-0000-4000-8000-000000000000",
        "name": f"{('orders', 'sessions', 'baskets')[n % 3]}-cache-{n}",
        "engine": "Redis",
        "engine_version": ("5.0", "6.0", "7.0")[n % 3],
        "status": "RUNNING",
        "tags": [{"key": "team", "value": f"team-{n % 20}"}],
    }


def _backup(at, day):
    times = dict.fromkeys(("created_at", "execution_at", "updated_at"), api_time(at))
    return raw(day, **times, **(EXPIRED if day > 7 else {}))
