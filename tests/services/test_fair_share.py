"""One viewer who asks for much holds up nobody else; what nobody knows of costs DCS one call."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backups.dcs.http import PAUSES
from backups.services import listings
from backups.services.listings import NothingToShow, TooManyUnknown, histories, reader
from backups.services.projects import configured_projects

from ..conftest import wait_for
from .conftest import ORDERS, at_once, later, settled, with_pauses

MADE_UP = "00000000-0000-4000-8000-0000"


def made_up(number):
    return f"{MADE_UP}{number:08}"


def told(project, instance_id, viewer="ada", patience=None, after=0):
    """What a viewer is told: the source of a listing, or why there is none."""
    try:
        shown, _ = listings.backups_and_instance(
            project, instance_id, now=later(after), patience=patience, viewer=viewer
        )
    except NothingToShow as nothing:
        return nothing.problem.kind
    except TooManyUnknown:
        return "too many"
    return shown.source


@pytest.fixture
def known(eu):
    """eu-prod, whose instances are known."""
    listings.project_instances(eu, now=later())
    return eu


def test_64_made_up_ids_at_once_hold_up_no_list_of_another_viewer(known, emulator):
    other = configured_projects()["cn-prod"]
    listings.project_instances(other, now=later())
    emulator.hang(path_contains=MADE_UP)

    with ThreadPoolExecutor(64) as viewers:
        ada = [viewers.submit(told, other, made_up(n)) for n in range(64)]
        wait_for(lambda: sum(one.done() for one in ada) == 64 - reader.MOST_OF_A_VIEWER)
        ben = told(known, ORDERS, "ben")
        hanging = [one for one in ada if not one.done()]
        emulator.heal()
        seen = {one.result() for one in ada if one not in hanging}

    assert ben == "live"
    assert {one.result() for one in hanging} == {"not_found"}
    assert seen <= {"being_read", "too many"}
    assert emulator.count(MADE_UP) == len(hanging) == reader.MOST_OF_A_VIEWER


def test_a_viewer_s_share_is_of_known_instances_too_and_another_s_is_free(known, emulator, instances):
    emulator.hang()

    for instance_id in instances[: reader.MOST_OF_A_VIEWER]:
        told(known, instance_id, patience=0)
    again = told(known, instances[10], patience=0)
    told(known, instances[11], "ben", patience=0)
    wait_for(lambda: bool(emulator.count(f"{instances[11]}/backups")))

    assert again == "being_read"
    assert not emulator.count(instances[10])
    emulator.heal()
    settled()
    assert told(known, instances[10]) == "live"


def test_who_waits_for_one_list_many_times_leaves_places_for_others(known, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 4
    emulator.hang(path_contains=ORDERS)

    with ThreadPoolExecutor(10) as viewers:
        ada = [viewers.submit(told, known, ORDERS) for _ in range(10)]
        wait_for(lambda: sum(one.done() for one in ada) == 8)
        ben = told(known, emulator.fleet.named("baskets").instance_id, "ben")
        emulator.heal()

    assert ben == "live"
    assert sorted(one.result() for one in ada) == ["being_read"] * 8 + ["live"] * 2


@pytest.mark.parametrize("status", [404, 429, 503])
def test_an_id_that_nobody_knows_of_costs_one_call(known, emulator, monkeypatch, status):
    with_pauses(monkeypatch, PAUSES)
    emulator.fail_with(status)
    emulator.clear_calls()

    for _ in range(3):
        told(known, made_up(1))
    settled()

    assert len(emulator.calls) == 1


def test_an_instance_is_served_without_the_list_of_its_project(eu, emulator):
    assert told(eu, ORDERS) == "live"

    assert len(emulator.calls) == 2  # its history, and itself


def test_what_dcs_has_backups_of_is_not_counted(eu, emulator, monkeypatch):
    monkeypatch.setattr(histories, "MOST_UNKNOWN", 1)
    emulator.fail_with(403, path_contains="/instances?")  # a key that may read backups only

    seen = {told(eu, emulator.fleet.named(name).instance_id) for name in ("orders-cache", "baskets")}

    assert seen == {"live"}


@pytest.mark.usefixtures("within_one_minute")
def test_tabs_that_are_opened_together_count_once(eu, emulator, monkeypatch):
    monkeypatch.setattr(histories, "MOST_UNKNOWN", 1)
    emulator.fail_with(403, path_contains="/instances?")

    seen = at_once(20, lambda: told(eu, ORDERS))

    assert "too many" not in seen
    assert "live" in seen


@pytest.mark.usefixtures("within_one_minute")
def test_beyond_the_budget_the_list_of_the_project_tells_real_instances_from_made_up_ones(
    eu, emulator, monkeypatch
):
    monkeypatch.setattr(histories, "MOST_UNKNOWN", 0)

    assert told(eu, ORDERS) == "live"
    assert told(eu, made_up(1)) == "too many"

    assert len(emulator.calls) == 3  # the list, and of the instance that it holds the history and itself


def test_while_the_database_is_full_nobody_is_refused(eu, monkeypatch, full_database):
    monkeypatch.setattr(histories, "MOST_UNKNOWN", 1)

    assert {told(eu, made_up(number)) for number in range(3)} == {"not_found"}


@pytest.mark.usefixtures("within_one_minute")
def test_what_dcs_fails_to_answer_for_is_counted_once(known, emulator, monkeypatch):
    monkeypatch.setattr(histories, "MOST_UNKNOWN", 1)
    emulator.fail_with(500)

    assert told(known, made_up(1)) == "server_error"
    assert told(known, made_up(1), after=5) == "server_error"
    assert told(known, made_up(2), after=5) == "too many"
