"""Two write one list at the same time, where a lease was lost: neither spoils what the other tells."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from backups.services.listings import Subject, generations, guard, leases, recorder, recording
from backups.services.listings.recorded_backups import BackupsRecording
from tests.conftest import restart, wait_for

from .api_records import raw
from .conftest import ORDERS, at_once, read
from .readings import walk_of

BEGAN, A_SECOND = datetime(2026, 11, 1, tzinfo=UTC), timedelta(seconds=1)


def test_who_compares_while_another_writes_misses_nothing_of_it(eu, monkeypatch):
    """The writer lost its lease: it slept. It marks a backup as gone that the other one, later, saw again."""
    monkeypatch.setattr(recording, "CHUNK", 1)
    subject, rows = Subject("backups", eu, ORDERS), [raw(number) for number in range(1, 9)]
    recorder.record(subject, walk_of(rows[:7]), read_at=BEGAN)
    begun, others = 0, []

    def compare():
        pointer = generations.look_up(subject)
        others.append(BackupsRecording(subject, walk_of(rows), BEGAN + 2 * A_SECOND, pointer))

    def write():
        with pytest.raises(recording.Overtaken):
            others[0].write()
        recorder.record(subject, walk_of(rows), read_at=BEGAN + 2 * A_SECOND)

    def execute(ask, sql, *more):
        nonlocal begun
        begun += sql.startswith("BEGIN")
        if sql.startswith("BEGIN") and begun == 2:  # before it marks what is gone
            at_once(1, compare)
        elif sql.startswith("BEGIN") and begun == 4:  # after two of three
            at_once(1, write)
        return ask(sql, *more)

    with connection.execute_wrapper(execute):
        recorder.record(subject, walk_of(rows[3:]), read_at=BEGAN + A_SECOND)

    assert begun == 4
    restart()
    [snapshot] = guard.snapshots(subject)
    assert len(snapshot.cached.decoded.records) == 8


def test_a_reader_that_slept_takes_over_what_another_has_read_since(eu, emulator, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.0)  # lost at once
    emulator.set_records(ORDERS, [raw(1)])
    emulator.hang()

    with ThreadPoolExecutor(1) as viewer:
        slept = viewer.submit(read, eu)
        wait_for(lambda: emulator.calls)
        recorder.record(Subject("backups", eu, ORDERS), walk_of([raw(2), raw(1)]), read_at=datetime.now(UTC))
        emulator.heal()

    assert slept.result().total == 2
    assert read(eu).total == 2
