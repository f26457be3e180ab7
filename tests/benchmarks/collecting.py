"""In a process of the portal: the collector works through driven time, one list after another."""

import statistics
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from backups.dcs.signing import Credentials
from backups.emulator.api import Emulator
from backups.emulator.fleet import Fleet
from backups.emulator.server import running
from backups.services.collector.key import keys_of
from backups.services.projects import configured_projects

from .portal import migrate

SLOT_HOUR, HOURS = 18, (15.5, 21.0)
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_now = MIDNIGHT


def simulate(instances, share):
    """Collect over the hours around the slot; the emulator, in this process, has the same clock."""
    _pass(timedelta(hours=HOURS[0]))
    migrate()
    own = Fleet(now=lambda: _now, bulk_records=10)
    for instance in own.instances(own.primary):
        own.remove_instance(instance.instance_id)
    own.add_many(instances, hour=SLOT_HOUR, share=share)
    emulator = Emulator(own)
    emulator.clock = lambda: datetime.now(UTC)
    key = Credentials(own.primary.ak, own.primary.sk)
    with running(emulator) as endpoint:
        changes = {"endpoint": endpoint, "project_id": own.primary.project_id, "credentials": key}
        settings.DCS_PROJECTS = {"default": settings.DCS_PROJECTS["default"] | changes}
        return _watched(own)


def _pass(time):
    global _now
    _now += time


def _watched(own):
    counted_from = _now + timedelta(hours=1.5)  # as long as a first reading of all may take
    read_at, delays, ages, calls = {}, [], [], 0
    for instance_id in _read(MIDNIGHT + timedelta(hours=HOURS[1])):
        before, read_at[instance_id] = read_at.get(instance_id), _now
        calls += 1
        if before is None or _now < counted_from:
            continue
        ages.append(_now - before)
        instance = own.instance(own.primary, instance_id)
        for one in instance.history(instance, _now):
            ended = one.created + timedelta(seconds=one.wait + one.seconds)
            if before < ended <= _now:
                delays.append((_now - ended).total_seconds())
    return {
        "p50": statistics.median(delays),
        "p95": sorted(delays)[int(0.95 * len(delays))],
        "oldest": max(*ages, *(_now - at for at in read_at.values())).total_seconds(),
        "calls": calls / len(read_at) * 24 / (HOURS[1] - HOURS[0]),
    }


def _read(ends):
    """Collect until then; yield the instance of each list that was read."""
    [key] = keys_of(configured_projects().values(), _now)
    while _now < ends:
        work = key.take(_now)
        if work is None:
            _pass(timedelta(seconds=0.2 / settings.COLLECT_CALLS_PER_SECOND))
            continue
        key.read(work, lambda: _now)
        if work.subject.kind == "backups":
            yield work.subject.instance_id


def sweep(lists):
    """Read everything, then, when all is due again, measure that, while no day ends or begins."""
    migrate()
    _pass(timedelta(days=1, hours=8))
    for _ in range(3):
        _pass(timedelta(seconds=3600 + 1200))
        began = time.process_time()
        read = len(list(_read(_now + timedelta(seconds=lists / 100))))
    assert read >= lists
    return (time.process_time() - began) / read
