"""In a process of the portal: walks of long histories are kept as the reader does, and told again."""

import statistics
import threading
import time
from datetime import UTC, datetime
from itertools import count
from unittest.mock import patch

from django.db import connection

from backups.dcs.pages import backup_page
from backups.dcs.walk import Walk
from backups.models import Backup, Instance
from backups.services.evidence import backups_by_id, list_as_of
from backups.services.listings import Subject, guard, reading_recorded, recorder, removal
from backups.services.projects import configured_projects

from . import stub
from .portal import ask, cookies, statements
from .portal import migrate as migrate
from .virtual_users import against_quiet, percentile

USUAL, LARGE, KNOWN, FORGOTTEN = 72, 10_000, 1_000_000, 100_000
PROJECT = configured_projects()["default"]
_changes = count(1)
_repeated = []


def subject(records, name=""):
    return Subject("backups", PROJECT, f"records-{records}-{name}")


def keep(records, name="", *, changed=0):
    """Keep a list in which so many records are new; return seconds of the clock and of the processor."""
    change = b'"remark":"%d"' % next(_changes)
    rows = [row.replace(b'"remark":null', change) for row in stub.rows(records)[:changed]]
    rows += stub.rows(records)[changed:]
    pages = tuple(backup_page(stub.page(rows, 1000, offset)) for offset in range(0, records, 1000))
    walk = Walk(pages, tuple(one for page in pages for one in page.records), records, False, False)
    began = time.perf_counter(), time.process_time()
    recorder.record(subject(records, name), walk, read_at=datetime.now(UTC))
    return time.perf_counter() - began[0], time.process_time() - began[1]


# What is kept -----------------------------------------------------------------


def unchanged():
    """The list's own, without what the board and the collector make of it."""
    keep(USUAL)
    with patch.object(reading_recorded, "send"):
        return len(statements(lambda: keep(USUAL)))


def one_change(times):
    keep(LARGE)
    return statistics.median(keep(LARGE, changed=1)[1] for _ in range(times))


def write_a_change():
    keep(USUAL, changed=1)


def write(name):
    return keep(LARGE, name)[0]


def disk():
    keep(LARGE, "on-disk")
    record = _bytes_of_a_row("backups_backup")
    keep(LARGE, "on-disk", changed=LARGE)
    return {"record": record, "change": _bytes_of_a_row("backups_change")}


def _bytes_of_a_row(table):
    size = "pg_total_relation_size(%s)"
    if connection.vendor == "sqlite":
        size = "(SELECT sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) WHERE tbl_name = %s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {size}, (SELECT count(*) FROM {table})", [table])
        whole, rows = cursor.fetchone()
    return whole / rows


# What is told -----------------------------------------------------------------


def seconds_of(do):
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def look(name):
    def read():
        [snapshot] = guard.snapshots(subject(LARGE, name))
        assert len(snapshot.cached.decoded.records) == LARGE

    return seconds_of(read)


def as_of(records, times):
    """Tell a list as it was known; what is told here is the fastest, where nothing else is in its way."""
    then = datetime.now(UTC)
    keep(records, changed=records // 10)

    def told():
        assert len(list_as_of(PROJECT, subject(records).instance_id, then).records) == records

    return min(seconds_of(told) for _ in range(times))


def find(times):
    """Find a backup by its id among a million, which are copies of a few."""
    _copy_backups("ORDER BY id LIMIT 1000", KNOWN // 1000)
    backup_ids = iter(Backup.objects.order_by("-pk").values_list("backup_id", flat=True)[:times])

    def found():
        assert len(backups_by_id([next(backup_ids)], [PROJECT])) == 1

    return min(seconds_of(found) for _ in range(times))


def forget():
    """Forget an instance with many records, each of which has changed once; return the longest batch."""
    keep(LARGE, "forgotten")
    keep(LARGE, "forgotten", changed=LARGE)
    instance = Instance.objects.get(instance_id=subject(LARGE, "forgotten").instance_id)
    _copy_backups(f"WHERE instance_id = {instance.pk}", FORGOTTEN // LARGE - 1)
    took, batches = [], removal.batches

    def timed(kept):
        for batch in batches(kept):
            began = time.perf_counter()
            yield batch
            took.append(time.perf_counter() - began)

    removal.batches = timed
    removed = removal.remove_instance(instance)
    removal.batches = batches
    assert removed["Backup"] == FORGOTTEN
    assert removed["Change"] > 0, removed
    return max(took)


def _copy_backups(which, times):
    """Let there be so many copies of some backups, under ids of their own."""
    copy = f"""
        INSERT INTO backups_backup (instance_id, backup_id, record, digest, first_id)
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < %s)
        SELECT instance_id, backup_id || '-' || n, record, digest, first_id
        FROM number, (SELECT * FROM backups_backup {which}) few
    """
    with connection.cursor() as cursor:
        cursor.execute(copy, [times])


# Who looks and signs in meanwhile ---------------------------------------------


def sign_in():
    cookies(1)


def page(path, every, seconds, rounds):
    ask(path)
    asked = statements(lambda: ask(path))

    def look():
        ends, took = time.monotonic() + seconds, []
        while time.monotonic() < ends:
            took.append(seconds_of(lambda: ask(path)))
        return took

    ratio = against_quiet(look, lambda: Repeated(write_a_change, every), rounds)
    return {"lookups": sum("backups_" in sql for sql in asked), "ratio": ratio}


def begin(what, every):
    """Do something again and again beside what is asked."""
    _repeated.append(Repeated(globals()[what], every).__enter__())


def end():
    repeated = _repeated.pop()
    repeated.__exit__()
    return percentile(repeated.took, 0.99)


class Repeated:
    """Does something again and again in a thread, until its block is left, and knows how long each took."""

    def __init__(self, do, every):
        self.took = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._repeat, args=(do, every))

    def _repeat(self, do, every):
        while not self._over.wait(every):
            self.took.append(seconds_of(do))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()
