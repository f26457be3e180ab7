"""Two write one list at the same time, where a lease was lost: neither spoils what the other tells."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from backups.services.listings import Subject, guard, recorder, recording
from tests.conftest import restart

from .api_records import raw
from .conftest import ORDERS, at_once
from .readings import walk_of

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def test_who_compares_while_another_writes_misses_nothing_of_it(eu, monkeypatch):
    """The writer lost its lease: it slept. It marks a backup as gone that the other one, later, saw again."""
    monkeypatch.setattr(recording, "CHUNK", 1)
    subject, rows = Subject("backups", eu, ORDERS), [raw(number) for number in range(1, 9)]
    recorder.accept(subject, walk_of(rows[:7]), read_at=BEGAN).write()
    slow = recorder.accept(subject, walk_of(rows[3:]), read_at=BEGAN + timedelta(seconds=1))
    begun, others = 0, []

    def compare():
        others.append(recorder.accept(subject, walk_of(rows), read_at=BEGAN + timedelta(seconds=2)))

    def execute(ask, sql, *more):
        nonlocal begun
        begun += sql.startswith("BEGIN")
        if sql.startswith("BEGIN") and begun in (
            2,
            4,
        ):  # before it marks what is gone, and after two of three
            at_once(1, compare if begun == 2 else others[0].write)
        return ask(sql, *more)

    with connection.execute_wrapper(execute):
        slow.write()

    assert begun == 4
    restart()
    [snapshot] = guard.snapshots(subject)
    assert len(snapshot.cached.decoded.records) == 8
