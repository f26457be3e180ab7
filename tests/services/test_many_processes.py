"""Several processes and servers behave as one: one reader, one memory of failures, whoever dies."""

import os
import subprocess
import sys
from contextlib import ExitStack
from uuid import uuid4

import pytest

from ..conftest import ROOT, wait_for
from .api_records import raws
from .conftest import ORDERS, walks
from .processes import process, start_anew, views


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def processes(request, _emulator_and_address, tmp_path_factory):
    """Three processes over one database, and `manage(…)` for it."""
    if request.param == "SQLite":
        database = f"sqlite:///{tmp_path_factory.mktemp('processes') / 'portal.sqlite3'}"
    else:
        database = request.getfixturevalue("postgres").create(f"processes-{uuid4()}")

    def manage(*arguments):
        command = [sys.executable, "manage.py", *arguments, "-v0"]
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"DATABASE_URL": database})

    manage("migrate")
    emulator, endpoint = _emulator_and_address
    with ExitStack() as stack:
        each = [process(emulator.fleet.primary, endpoint, database) for _ in range(3)]
        yield [stack.enter_context(one) for one in each], manage


@pytest.fixture
def start(processes, emulator):
    """`start(3)` gives so many processes of a portal that knows nothing yet."""

    def several(count, **settings):
        settings = {"DCS_PAGE_SIZE": 1000, "DCS_READ_BUDGET": 60.0, **settings}
        for one in processes[0]:
            one.submit(start_anew, one is processes[0][-1], settings).result(timeout=120)
        emulator.clear_calls()
        return processes[0][:count]

    yield several
    emulator.heal()
    emulator.latency = 0.0


def seen_by(processes, *instances, after=0):
    """What viewers get who come to each of the processes at the same moment."""
    coming = [one.submit(views, *instances, after=after) for one in processes]
    return [view for answer in coming for view in answer.result(timeout=60)]


def view(process, instance_id=ORDERS):
    return seen_by([process], instance_id)[0]


FIVE = [ORDERS] * 5


def test_viewers_of_all_processes_cause_one_walk_at_first_and_one_at_expiry(start, emulator):
    emulator.latency = 0.3
    *first, last = start(3)

    cold = seen_by(first, *FIVE)
    shared = view(last)
    assert walks(emulator) == 1
    [generation] = {view["generation"] for view in [*cold, shared]}
    assert {view["total"] for view in cold} == {len(emulator.fleet.backups(ORDERS))}
    assert shared["source"] == "cache"

    emulator.latency = 0.0
    emulator.hang()
    old = seen_by([*first, last], *FIVE, after=61)
    wait_for(lambda: walks(emulator) == 2)
    emulator.heal()
    wait_for(lambda: view(last)["generation"] != generation)

    assert {(view["source"], view["generation"]) for view in old} == {("stale", generation)}
    assert walks(emulator) == 2


def test_while_dcs_fails_the_viewers_of_all_processes_cause_one_call_and_a_refused_key_none(
    start, emulator, instances
):
    processes = start(3)

    emulator.fail_with(500)
    assert {view["problem"] for view in seen_by(processes, *FIVE)} == {"server_error"}
    assert emulator.count() == 1
    emulator.heal()
    emulator.fail_with(401)
    refused = [*seen_by(processes, *instances[:1] * 5), *seen_by(processes, *instances[1:2] * 5, after=290)]
    assert {view["problem"] for view in refused} == {"credentials_refused"}
    assert emulator.count() == 2


def test_failures_of_all_processes_open_one_circuit_and_one_of_them_makes_the_trial(
    start, emulator, instances
):
    processes = start(2, DCS_READ_BUDGET=1.0)
    emulator.fail_with(503)
    for number, instance_id in enumerate(instances[:5]):
        view(processes[number % 2], instance_id)
    emulator.heal()
    emulator.clear_calls()

    assert {view["problem"] for view in seen_by(processes, instances[5])} == {"circuit_open"}
    assert not emulator.calls
    emulator.hang()  # so that the others come during the trial
    seen = [view["problem"] for view in seen_by(processes, *instances[6:8], after=11)]

    assert emulator.count("/backups") == 1
    assert seen.count("circuit_open") == 3


def test_the_progress_of_a_walk_is_told_by_every_process(start, emulator):
    emulator.set_records(ORDERS, raws(300))
    emulator.latency = 0.15
    reader, other = start(2, DCS_PAGE_SIZE=2, DCS_READ_BUDGET=1.0)
    reader.submit(views, ORDERS)
    wait_for(lambda: len(emulator.calls) > 10)

    wait_for(lambda: view(other)["progress"] > 5)

    assert view(other)["problem"] == "being_read"


def test_what_is_forgotten_is_shown_by_no_process_any_more(start, processes, emulator):
    first, *others = raws(5)
    emulator.set_records(ORDERS, [first | {"remark": "of Lovelace"}, *others])
    started, manage = start(2), processes[1]
    assert {tuple(view["remarks"]) for view in seen_by(started, *FIVE)} == {("", "of Lovelace")}
    emulator.fail_with(503)

    manage("forget", "--remark", first["backup_id"], "--yes")
    assert {(view["total"], *view["remarks"]) for view in seen_by(started, *FIVE)} == {(5, "")}

    manage("forget", "--instance", ORDERS, "--yes")
    assert {(view["total"], view["problem"]) for view in seen_by(started, *FIVE)} == {(None, "server_error")}
