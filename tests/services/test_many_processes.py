"""Several processes and servers behave as one: one reader, one memory of failures, whoever dies."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID

from .api_records import raws
from .conftest import ORDERS, wait_until
from .processes import Process, process

Start = Callable[..., Process]

# Processes of one machine without any server, and servers that share a Redis.
MACHINE, SERVERS = "one machine", "several servers"
each_house = pytest.mark.parametrize("house", [MACHINE, SERVERS])


@pytest.fixture
def start(
    request: pytest.FixtureRequest, emulator: Emulator, endpoint: str, tmp_path: Path
) -> Generator[Start]:
    """`start(house)` starts one more process of the portal."""
    with ExitStack() as stack:
        count = 0

        def one_more(house: str, **environment: str) -> Process:
            nonlocal count
            count += 1
            var = tmp_path / (str(count) if house == SERVERS else "machine")
            var.mkdir(exist_ok=True)
            if house == SERVERS:
                port = request.getfixturevalue("redis_server").port
                environment["CACHE_URL"] = f"redis://127.0.0.1:{port}/0"
            started = process(emulator.fleet.primary, endpoint, var, **environment)
            return stack.enter_context(started)

        yield one_more
        emulator.heal()


def walks(emulator: Emulator) -> int:
    calls = [call for call in emulator.calls if call.path.endswith(f"{ORDERS}/backups")]
    return sum(parse_qs(call.query)["offset"] == ["0"] for call in calls)


def seen_by(processes: list[Process], viewers: int, **options: Any) -> list[dict[str, Any]]:
    """What that many viewers get who come to the processes at the same moment."""
    coming = [one.begin(ORDERS, **options) for _ in range(viewers) for one in processes]
    return [answer.result(timeout=30) for answer in coming]


@each_house
def test_viewers_of_three_processes_cause_one_walk(start: Start, emulator: Emulator, house: str) -> None:
    emulator.latency = 0.3
    processes = [start(house) for _ in range(3)]

    seen = seen_by(processes, viewers=5)

    assert walks(emulator) == 1
    assert len({view["generation"] for view in seen}) == 1
    assert {view["total"] for view in seen} == {len(emulator.fleet.backups(ORDERS))}


@each_house
def test_at_expiry_all_processes_show_the_old_listing_and_one_reads(
    start: Start, emulator: Emulator, house: str
) -> None:
    processes = [start(house) for _ in range(3)]
    first, *_ = seen_by(processes, viewers=1)
    emulator.clear_calls()
    emulator.hang()

    seen = seen_by(processes, viewers=5, after=61)
    emulator.heal()
    wait_until(lambda: processes[2].view(ORDERS)["generation"] != first["generation"])

    assert {(view["source"], view["generation"]) for view in seen} == {("stale", first["generation"])}
    assert walks(emulator) == 1


@each_house
def test_what_one_process_read_another_shows_without_a_call(
    start: Start, emulator: Emulator, house: str
) -> None:
    one, other = start(house), start(house)
    first = one.view(ORDERS)
    one.kill()
    emulator.clear_calls()

    second = other.view(ORDERS)

    assert (second["source"], second["generation"]) == ("cache", first["generation"])
    assert not emulator.calls


@each_house
def test_when_a_reader_is_killed_in_the_middle_of_a_walk_another_reads(
    start: Start, emulator: Emulator, house: str
) -> None:
    emulator.set_records(ORDERS, raws(50))
    reader, other = (start(house, DCS_PAGE_SIZE="10", DCS_READ_BUDGET="20") for _ in range(2))
    emulator.hang()
    reader.begin(ORDERS)
    wait_until(lambda: bool(emulator.calls))
    waiting = other.begin(ORDERS)
    reader.kill()
    emulator.heal()

    seen = waiting.result(timeout=20)

    assert (seen["source"], seen["total"], seen["problem"]) == ("live", 50, None)


@each_house
def test_while_dcs_fails_the_viewers_of_all_processes_cause_one_call(
    start: Start, emulator: Emulator, house: str
) -> None:
    emulator.fail_with(500)
    processes = [start(house) for _ in range(3)]

    seen = seen_by(processes, viewers=5)

    assert {view["problem"] for view in seen} == {"server_error"}
    assert emulator.count("/backups") == 1


@each_house
def test_a_key_that_one_process_was_refused_is_tried_by_none(
    start: Start, emulator: Emulator, house: str
) -> None:
    emulator.fail_with(401)
    processes = [start(house) for _ in range(3)]

    seen = seen_by(processes, viewers=5)
    later = seen_by(processes, viewers=1, after=290)

    assert {view["problem"] for view in seen + later} == {"credentials_refused"}
    assert emulator.count() == 1


@each_house
def test_a_new_key_is_tried_whatever_became_of_the_old_one(
    start: Start, emulator: Emulator, house: str
) -> None:
    start(house, DCS_SK="0" * 40).view(ORDERS)

    assert start(house).view(ORDERS)["source"] == "live"


@each_house
def test_failures_of_all_processes_open_one_circuit_and_one_of_them_makes_the_trial(
    start: Start, emulator: Emulator, house: str
) -> None:
    found = [instance.instance_id for instance in emulator.fleet.instances(emulator.fleet.primary)]
    instances = [instance_id for instance_id in found if instance_id != BULK_HISTORY_ID]
    processes = [start(house, DCS_READ_BUDGET="0.5") for _ in range(2)]
    emulator.fail_with(503)
    for number, instance_id in enumerate(instances[:5]):
        processes[number % 2].view(instance_id)
    emulator.clear_calls()

    refused = [one.view(instances[5]) for one in processes]
    assert {view["problem"] for view in refused} == {"circuit_open"}
    assert not emulator.calls
    emulator.heal()
    emulator.latency = 0.2
    trials = [one.begin(i, after=11) for i in instances[6:8] for one in processes]
    seen = [trial.result(timeout=30) for trial in trials]

    assert emulator.count("/backups") == 1
    assert sorted(str(view["problem"]) for view in seen)[:3] == ["None", "circuit_open", "circuit_open"]


@each_house
def test_the_progress_of_a_walk_is_told_by_every_process(
    start: Start, emulator: Emulator, house: str
) -> None:
    emulator.set_records(ORDERS, raws(300))
    emulator.latency = 0.15
    reader, other = (start(house, DCS_PAGE_SIZE="2", DCS_READ_BUDGET="0.5") for _ in range(2))
    reader.begin(ORDERS)
    wait_until(lambda: len(emulator.calls) > 10)

    wait_until(lambda: (other.view(ORDERS)["progress"] or 0) > 5)

    assert other.view(ORDERS)["problem"] == "being_read"
