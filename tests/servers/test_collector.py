"""Of several servers one collects; when it is killed another goes on, and reads no list a second time."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import psycopg
import pytest

from ..conftest import shell_environment, wait_for
from ..services.collecting import lists_read
from .served import ROOT, serving

PATIENT = {"DCS_READ_TIMEOUT": "60", "DCS_READ_BUDGET": "60"}


@pytest.fixture
def database(postgres):
    return postgres.create(f"collector-{time.monotonic_ns()}")


@pytest.fixture
def three(emulator, environment, database):
    """Three servers of one portal; the first calls for lists are answered, and the next ones hang."""
    emulator.hang(path_contains="/backups", after=8)
    shared = environment(DATABASE_URL=database, COLLECT="on", COLLECT_CALLS_PER_SECOND="50", **PATIENT)
    with ExitStack() as stack:
        yield [stack.enter_context(serving(shared)) for _ in range(3)]


def asked(database, query):
    with psycopg.connect(database) as connection:
        return str((connection.execute(query).fetchone() or ("",))[0])


def holder(database):
    return asked(database, "SELECT text FROM backups_note WHERE key = 'lease:collector' AND ends > now()")


def test_a_killed_collector_s_work_goes_on_elsewhere_and_no_list_is_read_twice(three, emulator, database):
    wait_for(lambda: emulator.count("/backups") == 12)
    first = holder(database)
    [killed] = [server for server in three if any(f"process {pid}," in first for pid in server.workers())]
    cut_off = {call.path.split("/")[-2] for call in emulator.calls if call.status is None}

    for pid in (killed.process.pid, *killed.workers()):
        os.kill(pid, signal.SIGKILL)
    emulator.heal()
    ids = {one.instance_id for one in emulator.fleet.instances(emulator.fleet.primary)}
    read = "SELECT count(*) FROM backups_instancesummary WHERE read_at IS NOT NULL"
    wait_for(lambda: asked(database, read) == str(len(ids)))

    assert holder(database) not in ("", first)
    counts = lists_read(emulator)
    assert set(counts) == ids
    running = emulator.fleet.named("sessions-live").instance_id
    assert {one for one, count in counts.items() if count > 1} <= cut_off | {running}


def test_it_runs_alone_and_gives_its_lease_back_when_it_is_stopped(emulator, environment, database):
    """COLLECT=off is of servers, which may have the same settings."""
    alone = {**shell_environment(), **environment(DATABASE_URL=database, COLLECT="off", **PATIENT)}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=alone, check=True)
    process = subprocess.Popen([sys.executable, "manage.py", "collect"], cwd=ROOT, env=alone)
    try:
        wait_for(lambda: len(lists_read(emulator)) > 3)
        assert f"process {process.pid}," in holder(database)
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()

    assert holder(database) == ""
