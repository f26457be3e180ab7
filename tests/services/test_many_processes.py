"""Several processes and servers behave as one: one reader, one memory of failures, whoever dies."""

import os
import subprocess
import sys
from contextlib import ExitStack
from uuid import uuid4

import pytest

from ..conftest import wait_for
from .api_records import raws
from .conftest import ORDERS, walks
from .processes import ROOT, process


class Portal:
    """Processes over one database, which are kept for the next test."""

    def __init__(self, project, endpoint, database):
        self.project, self.endpoint, self.database = project, endpoint, database
        self.running = []
        self.manage("migrate")

    def start(self, count, stack, settings):
        for _ in range(count - len(self.running)):
            one = process(self.project, self.endpoint, DATABASE_URL=self.database)
            self.running.append(stack.enter_context(one))
        for number, one in enumerate(self.running, start=1):
            is_last = number == len(self.running)
            one.start_anew(is_last, **{"DCS_PAGE_SIZE": 1000, "DCS_READ_BUDGET": 60.0, **settings})
        return self.running[:count]

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments, "-v0"]
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"DATABASE_URL": self.database})


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def installation(request, _emulator_and_address, tmp_path_factory):
    if request.param == "SQLite":
        database = f"sqlite:///{tmp_path_factory.mktemp('processes') / 'portal.sqlite3'}"
    else:
        database = request.getfixturevalue("postgres").create(f"processes-{uuid4()}")
    emulator, endpoint = _emulator_and_address
    with ExitStack() as stack:
        yield Portal(emulator.fleet.primary, endpoint, database), stack


@pytest.fixture
def start(installation, emulator):
    """`start(3)` gives so many processes of a portal that knows nothing yet."""
    portal, stack = installation

    def several(count, **settings):
        found = portal.start(count, stack, settings)
        emulator.clear_calls()
        return found

    yield several
    emulator.heal()
    emulator.latency = 0.0


def seen_by(processes, instance_id=ORDERS, **options):
    """What five viewers get who come to each of the processes at the same moment."""
    coming = [one.begin(instance_id, **options) for _ in range(5) for one in processes]
    return [answer.result(timeout=60) for answer in coming]


def test_viewers_of_all_processes_cause_one_walk_at_first_and_one_at_expiry(start, emulator):
    emulator.latency = 0.3
    *first, last = start(3)

    cold = seen_by(first)
    shared = last.view(ORDERS)
    assert walks(emulator) == 1
    [generation] = {view["generation"] for view in [*cold, shared]}
    assert {view["total"] for view in cold} == {len(emulator.fleet.backups(ORDERS))}
    assert shared["source"] == "cache"

    emulator.latency = 0.0
    emulator.hang()
    old = seen_by([*first, last], after=61)
    wait_for(lambda: walks(emulator) == 2)
    emulator.heal()
    wait_for(lambda: last.view(ORDERS)["generation"] != generation)

    assert {(view["source"], view["generation"]) for view in old} == {("stale", generation)}
    assert walks(emulator) == 2


def test_while_dcs_fails_the_viewers_of_all_processes_cause_one_call_and_a_refused_key_none(
    start, emulator, instances
):
    processes = start(3)

    emulator.fail_with(500)
    assert {view["problem"] for view in seen_by(processes)} == {"server_error"}
    assert emulator.count() == 1
    emulator.heal()
    emulator.fail_with(401)
    refused = [*seen_by(processes, instances[0]), *seen_by(processes, instances[1], after=290)]
    assert {view["problem"] for view in refused} == {"credentials_refused"}
    assert emulator.count() == 2


def test_failures_of_all_processes_open_one_circuit_and_one_of_them_makes_the_trial(
    start, emulator, instances
):
    processes = start(2, DCS_READ_BUDGET=1.0)
    emulator.fail_with(503)
    for number, instance_id in enumerate(instances[:5]):
        processes[number % 2].view(instance_id)
    emulator.heal()
    emulator.clear_calls()

    refused = [one.view(instances[5]) for one in processes]
    assert {view["problem"] for view in refused} == {"circuit_open"}
    assert not emulator.calls
    emulator.hang()  # so that the others come during the trial
    trials = [one.begin(i, after=11) for i in instances[6:8] for one in processes]
    seen = [trial.result(timeout=60)["problem"] for trial in trials]

    assert emulator.count("/backups") == 1
    assert seen.count("circuit_open") == 3


def test_the_progress_of_a_walk_is_told_by_every_process(start, emulator):
    emulator.set_records(ORDERS, raws(300))
    emulator.latency = 0.15
    reader, other = start(2, DCS_PAGE_SIZE=2, DCS_READ_BUDGET=1.0)
    reader.begin(ORDERS)
    wait_for(lambda: len(emulator.calls) > 10)

    wait_for(lambda: (other.view(ORDERS)["progress"] or 0) > 5)

    assert other.view(ORDERS)["problem"] == "being_read"


def test_what_is_forgotten_is_shown_by_no_process_any_more(start, installation, emulator):
    first, *others = raws(5)
    emulator.set_records(ORDERS, [first | {"remark": "of Lovelace"}, *others])
    processes, portal = start(2), installation[0]
    assert {tuple(view["remarks"]) for view in seen_by(processes)} == {("", "of Lovelace")}
    emulator.fail_with(503)

    portal.manage("forget", "--remark", first["backup_id"], "--yes")
    assert {(view["total"], *view["remarks"]) for view in seen_by(processes)} == {(5, "")}

    portal.manage("forget", "--instance", ORDERS, "--yes")
    assert {(view["total"], view["problem"]) for view in seen_by(processes)} == {(None, "server_error")}
