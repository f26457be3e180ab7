"""What evidence costs: to keep a reading, to tell it again, and whoever looks or signs in meanwhile."""

import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from . import stub
from .in_process import Pages, session_cookies, set_up
from .report import Row
from .servers import Child, answer_orders, history, postgresql, production, served
from .virtual_users import CONNECTIONS, Viewer, against_quiet, look_regularly, percentile

USUAL, LARGE, KNOWN, FORGOTTEN = 72, 10_000, 1_000_000, 100_000
FRESH = {"DCS_FRESH_SECONDS": "3600"}
PAGE = history(f"records-{USUAL}-looked-at")
# How often a list with a change is written while others look, and how often somebody signs in.
WRITE_SECONDS, SIGN_IN_SECONDS = 0.2, 0.02


def measure(effort):
    with TemporaryDirectory(prefix="portal-bench-") as folder:
        rows = _measured("SQLite", f"sqlite:///{folder}/portal.sqlite3", effort, sign_in=0.15)
        with postgresql(Path(folder)) as postgres:
            if postgres is None:
                return [*rows, Row("PostgreSQL: the same", None, why_not="PostgreSQL is not installed")]
            return rows + _measured("PostgreSQL", postgres.url, effort, sign_in=0.03)


def _measured(database, url, effort, *, sign_in):
    with stub.running() as upstream:
        environment = production("", upstream.endpoint, 8000, DATABASE_URL=url, **FRESH)
        with Child("evidence", **environment) as portal, Child("evidence", **environment) as other:
            portal.ask(do="migrate")
            disk = portal.ask(do="disk")  # before any row was written anew
            unchanged = portal.ask(do="unchanged")
            changed = portal.ask(do="one_change", times=effort.requests)
            usual, large = (
                portal.ask(do="as_of", records=size, times=effort.requests) for size in (USUAL, LARGE)
            )
            page = portal.ask(do="page", seconds=effort.seconds, rounds=effort.rounds)
            other.ask(do="begin", what="sign_in", every=SIGN_IN_SECONDS)
            time.sleep(effort.seconds)
            quiet = other.ask(do="end")
            other.ask(do="begin", what="sign_in", every=SIGN_IN_SECONDS)
            for number in range(effort.rounds):
                portal.ask(do="write", name=f"new-{number}")
            beside = other.ask(do="end")
            written = portal.ask(do="write", name="new")
            seen = written["wall"] + other.ask(do="look", name="new")["wall"]
            found = portal.ask(do="find", times=effort.requests)
            forgotten = portal.ask(do="forget")
        ratio = _beside_a_writer(upstream, url, effort)
    rows = [
        Row("72 unchanged records, and a look at what is known: statements", unchanged, "", most=2),
        Row("10,000 records with one change, processor time", changed["cpu"], "ms", most=0.08),
        Row("72 records as known at a time", usual["wall"], "ms", most=0.01),
        Row("10,000 records as known at a time", large["wall"], "ms", most=0.35),
        Row("a backup's id among 1,000,000", found["wall"], "ms", most=0.005),
        Row(
            "history page while a list is written 5 times a second: p95 against quiet",
            page["ratio"],
            most=1.2,
        ),
        Row("the same, written by another process", ratio, most=1.2),
        Row("a record on disk, indexes included", disk["record"], " bytes", most=900),
        Row("a change on disk, indexes included", disk["change"], " bytes", most=900),
        Row("look-ups in the store for a history page", page["lookups"], "", most=1),
        Row("100,000 records are forgotten: the longest batch", forgotten["longest"], "ms", most=0.2),
        Row("sign-in while 10,000 records arrive, p99", beside["p99"], "ms", most=sign_in),
        Row("sign-in in quiet, p99", quiet["p99"], "ms"),
        Row("10,000 new records are seen by others after", seen, "s", most=3),
    ]
    return [replace(row, what=f"{database}: {row.what}") for row in rows]


def _beside_a_writer(upstream, url, effort):
    from tests.servers.served import free_port

    port = free_port()
    environment = production("", upstream.endpoint, port, DATABASE_URL=url, **FRESH)
    with (
        Child("evidence", **environment) as writer,
        served(environment, port, viewers=CONNECTIONS) as (portal, cookies),
    ):
        viewers = [Viewer(portal.url, cookie, port=port) for cookie in cookies]

        @contextmanager
        def writing():
            writer.ask(do="begin", what="write_a_change", every=WRITE_SECONDS)
            yield
            writer.ask(do="end")

        return against_quiet(lambda: look_regularly(viewers, [PAGE], effort.seconds), writing, effort.rounds)


# A process of the portal ----------------------------------------------------------


class Portal:
    """Keeps walks of long histories as the reader does, and asks what was kept."""

    def __init__(self):
        set_up()
        from backups.services.projects import configured_projects

        self._project = configured_projects()["default"]
        self._changes = count(1)
        self._repeated = None

    def answer(self, do, **options):
        return getattr(self, do)(**options) or {}

    def migrate(self):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)

    def begin(self, what, every):
        """Do something again and again beside what is asked."""
        self._repeated = Repeated(getattr(self, what), every)

    def end(self):
        assert self._repeated
        return {"p99": percentile(self._repeated.stop(), 0.99)}

    # What is kept -----------------------------------------------------------------

    def unchanged(self):
        self._record(USUAL)
        found, _ = statements(lambda: self._record(USUAL))
        return len(found)

    def one_change(self, times):
        self._record(LARGE)
        return {"cpu": statistics.median(self._record(LARGE, changed=1)["cpu"] for _ in range(times))}

    def write_a_change(self):
        self._record(USUAL, changed=1)

    def write(self, name):
        return self._record(LARGE, name)

    def look(self, name):
        from backups.services.listings import guard

        began = time.perf_counter()
        [snapshot] = guard.snapshots(self._subject(LARGE, name))
        assert snapshot.cached
        assert len(snapshot.cached.decoded.records) == LARGE
        return {"wall": time.perf_counter() - began}

    def disk(self):
        self._record(LARGE, "on-disk")
        record = bytes_of_a_row("backups_backup")
        self._record(LARGE, "on-disk", changed=LARGE)
        return {"record": record, "change": bytes_of_a_row("backups_change")}

    def _record(self, records, name="", *, changed=0):
        from backups.services.listings import recorder

        subject, walk = self._subject(records, name), self._walk(records, changed)
        began = time.perf_counter(), time.process_time()
        recorder.accept(subject, walk, read_at=datetime.now(UTC))._write()
        return {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}

    def _subject(self, records, name=""):
        from backups.services.listings import Subject

        return Subject("backups", self._project, f"records-{records}-{name}")

    def _walk(self, records, changed):
        """Return pages as DCS sends them, in which so many records say what none has said before."""
        from backups.dcs.pages import backup_page
        from backups.dcs.walk import Walk

        change = b'"remark":"%d"' % next(self._changes)
        rows = [row.replace(b'"remark":null', change) for row in stub.rows(records)[:changed]]
        rows += stub.rows(records)[changed:]
        pages = tuple(backup_page(stub.page(rows, 1000, offset)) for offset in range(0, records, 1000))
        return Walk(pages, tuple(one for page in pages for one in page.records), records, False, False)

    # What is told -----------------------------------------------------------------

    def as_of(self, records, times):
        from backups.services.evidence import list_as_of

        then = datetime.now(UTC)
        self._record(records, changed=records // 10)

        def told():
            found = list_as_of(self._project, self._subject(records).instance_id, then)
            assert len(found.records) == records

        return {"wall": fastest(told, times)}

    def find(self, times):
        """Find a backup by its id among a million, which are copies of a few."""
        from backups.models import Backup
        from backups.services.evidence import backups_by_id

        copy_backups("ORDER BY id LIMIT 1000", KNOWN // 1000)
        backup_ids = iter(Backup.objects.order_by("-pk").values_list("backup_id", flat=True)[:times])

        def found():
            assert len(backups_by_id([next(backup_ids)], [self._project])) == 1

        return {"wall": fastest(found, times)}

    def forget(self):
        """Forget an instance with many records, each of which has changed once."""
        from backups.models import Backup, Change, Instance
        from backups.services.listings import removal

        self._record(LARGE, "forgotten")
        self._record(LARGE, "forgotten", changed=LARGE)
        instance = Instance.objects.get(instance_id=self._subject(LARGE, "forgotten").instance_id)
        copy_backups(f"WHERE instance_id = {instance.pk}", FORGOTTEN // LARGE - 1)
        longest, batches = 0.0, removal.batches

        def timed(kept):
            nonlocal longest
            for batch in batches(kept):
                began = time.perf_counter()
                yield batch
                longest = max(longest, time.perf_counter() - began)

        removal.batches = timed
        removed = removal.remove_instance(instance)
        removal.batches = batches
        assert removed[Backup.__name__] == FORGOTTEN
        assert removed[Change.__name__] > 0, removed
        return {"longest": longest}

    # Who looks and signs in meanwhile ---------------------------------------------

    def page(self, seconds, rounds):
        from django.core.handlers.wsgi import WSGIHandler

        pages = Pages(WSGIHandler(), session_cookies(1)[0])
        asked, _ = statements(lambda: pages.ask(PAGE))
        asked, told = statements(lambda: pages.ask(PAGE))
        assert told["status"] == 200
        ratio = against_quiet(
            lambda: repeated_for(seconds, lambda: pages.ask(PAGE)),
            lambda: Repeated(self.write_a_change, WRITE_SECONDS),
            rounds,
        )
        return {"lookups": sum("backups_" in sql for sql in asked), "ratio": ratio}

    def sign_in(self):
        session_cookies(1)


class Repeated:
    """Does something again and again in a thread, and knows how long each time took."""

    def __init__(self, do, every):
        self._do, self._every = do, every
        self._over = threading.Event()
        self._took = []
        self._thread = threading.Thread(target=self._repeat)
        self._thread.start()

    def stop(self):
        self._over.set()
        self._thread.join()
        return self._took

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def _repeat(self):
        while not self._over.wait(self._every):
            self._took.append(seconds_of(self._do))


def repeated_for(seconds, do):
    """Do something again and again for a while; return how long each time took."""
    ends, took = time.monotonic() + seconds, []
    while time.monotonic() < ends:
        took.append(seconds_of(do))
    return took


def fastest(do, times):
    """Return how long it takes where nothing else is in its way."""
    return min(seconds_of(do) for _ in range(times))


def seconds_of(do):
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def copy_backups(which, times):
    """Let there be so many copies of some backups, under ids of their own."""
    from django.db import connection

    copy = f"""
        INSERT INTO backups_backup (instance_id, backup_id, record, digest, first_id)
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < %s)
        SELECT instance_id, backup_id || '-' || n, record, digest, first_id
        FROM number, (SELECT * FROM backups_backup {which}) few
    """
    with connection.cursor() as cursor:
        cursor.execute(copy, [times])


def statements(do):
    """Return what the database was asked meanwhile by this thread, and what came of it."""
    from django.db import connection

    asked = []

    def execute(ask, sql, *more):
        asked.append(sql)
        return ask(sql, *more)

    with connection.execute_wrapper(execute):
        result = do()
    return asked, result


def bytes_of_a_row(table):
    from django.db import connection

    size = "pg_total_relation_size(%s)"
    if connection.vendor == "sqlite":
        size = "(SELECT sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) WHERE tbl_name = %s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {size}, (SELECT count(*) FROM {table})", [table])
        whole, rows = cursor.fetchone()
    return whole / rows


if __name__ == "__main__":
    answer_orders(lambda: Portal().answer)
