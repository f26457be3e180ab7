"""Find: from whatever stands in a ticket to the page that it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from tests.services.api_records import raw

from .conftest import ORDERS, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")
REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
NOWHERE = "00000000-0000-4000-8000-000000000001"
LINK = f"{ORDERS}?status=failed&status=expired&q=100%25&tz=Asia%2FShanghai"


@pytest.fixture
def find(client_of: Callable[[str], Client]) -> Callable[[str], Any]:
    ada = client_of("ada")
    return lambda text: ada.get("/find/", {"q": text})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (ORDERS_CACHE_ID, ORDERS),
        (f"  {ORDERS_CACHE_ID.upper()} ", ORDERS),
        (f"https://portal.example{LINK}", LINK),
        (f"see <https://portal.example{LINK}> and tell me", LINK),
        (f"[link|https://portal.example{LINK}].", LINK),
        (f"https://portal.example{REFERENCE}", REFERENCE),
        ("http://portal.example/projects/eu-prod/", "/projects/eu-prod/"),
        ("http://portal.example/projects/eu-prod?q=orders", "/projects/eu-prod/?q=orders"),
        (f"{ORDERS[:-1]}?status=failed", f"{ORDERS}?status=failed"),
        (f"Is it {ORDERS[:-1]}? Or gone?", ORDERS),
        (f"It is ({ORDERS[:-1]}).", ORDERS),
        (f"备份{REFERENCE[:-1]}失败", REFERENCE),
        (f"{ORDERS}backups.json?status=failed&tz=UTC.", f"{ORDERS}?status=failed&tz=UTC"),
        (f"curl '{ORDERS}backups.csv'", ORDERS),
        (f"{ORDERS}refresh/", ORDERS),
        (f"/projects/eu-prod/instances/{'a' * 65}", "/projects/eu-prod/"),
        (f"INC-20418: instance {ORDERS_CACHE_ID}, backup {REFERENCE_BACKUP_ID} failed", REFERENCE),
        (f"INC-20418: {ORDERS_CACHE_ID} at 09:40, ask 7d693617-ea39-44a0-b669-a6ed77f42d1d", ORDERS),
    ],
)
def test_what_is_meant_for_certain_is_gone_to(find: Callable[[str], Any], text: str, address: str) -> None:
    answer = find(text)

    assert (answer.status_code, answer.headers.get("Location")) == (302, address)


def test_a_backup_is_found_by_its_id_in_a_history_that_nobody_has_read(
    find: Callable[[str], Any], emulator: Emulator
) -> None:
    instance = emulator.fleet.named("pricing-bad-week")
    backup_id = emulator.fleet.backups(instance)[3].backup_id

    answer = find(backup_id)

    assert answer.headers["Location"] == f"{history_of(instance.instance_id)}backups/{backup_id}/"


def test_a_name_of_one_instance_is_gone_to(find: Callable[[str], Any], emulator: Emulator) -> None:
    for text in ("baskets", "BASKETS", "basket"):
        assert find(text).headers["Location"] == history_of(emulator.fleet.named("baskets").instance_id)


def test_a_name_of_several_instances_lists_them_all(find: Callable[[str], Any], emulator: Emulator) -> None:
    answer = find("orders-cache")

    same_name = [ORDERS, history_of(emulator.fleet.named("orders-cache", "cn-prod").instance_id, "cn-prod")]
    assert [link for link in links_of(answer) if link in same_name] == same_name


def test_a_part_of_a_name_lists_what_has_it(find: Callable[[str], Any]) -> None:
    answer = find("orders")

    assert answer.status_code == 200
    assert {"orders-cache", "staging-orders"} <= set(text_of(answer).split())


@pytest.mark.parametrize("text", ["no-such-thing", NOWHERE, "<script>", "a\0zz"])
def test_what_is_nowhere_is_said_to_be_nowhere(find: Callable[[str], Any], text: str) -> None:
    answer = find(text)

    assert answer.status_code == 200
    assert "Nothing was found " in text_of(answer)
    assert "could be read" not in text_of(answer)
    assert b"<script>" not in answer.content.replace(b"<script type", b"")


def test_a_name_is_never_gone_to_while_a_project_cannot_be_searched(
    find: Callable[[str], Any], emulator: Emulator, impatient: Settings
) -> None:
    emulator.fail_with(500, path_contains=emulator.fleet.project("cn-prod").project_id)

    answer = find("orders-cache")

    assert answer.status_code == 200
    assert ORDERS in links_of(answer)
    assert "cn-prod could not be searched fully" in text_of(answer)
    assert "DCS.5078" in text_of(answer)


def test_an_id_is_gone_to_whatever_else_fails(
    find: Callable[[str], Any], emulator: Emulator, impatient: Settings
) -> None:
    emulator.fail_with(500, path_contains=emulator.fleet.project("cn-prod").project_id)

    assert find(ORDERS_CACHE_ID).headers["Location"] == ORDERS


def test_histories_that_could_not_be_read_are_not_said_to_lack_a_backup(
    find: Callable[[str], Any], emulator: Emulator, impatient: Settings
) -> None:
    emulator.fail_with(500, path_contains="/backups")

    shown = text_of(find(REFERENCE_BACKUP_ID))

    assert "Nothing with this name or id" not in shown
    assert "instances could not be read fully" in shown
    assert "Nothing was found in what could be read" in shown


NEW_BACKUP_ID = "00000000-0000-4000-8000-000000000007"


@pytest.fixture
def read_before(find: Callable[[str], Any], portal: Settings, emulator: Emulator) -> Emulator:
    """DCS after all histories were read, and are no longer fresh."""
    find(NOWHERE)
    portal.DCS_FRESH_SECONDS = 0
    emulator.clear_calls()
    return emulator


def test_a_backup_newer_than_the_histories_at_hand_is_found(
    find: Callable[[str], Any], read_before: Emulator
) -> None:
    read_before.insert_record(ORDERS_CACHE_ID, raw(7))

    assert find(NEW_BACKUP_ID).headers["Location"] == f"{ORDERS}backups/{NEW_BACKUP_ID}/"


def test_a_backup_at_hand_is_found_without_reading_its_history_again(
    find: Callable[[str], Any], read_before: Emulator
) -> None:
    assert find(REFERENCE_BACKUP_ID).headers["Location"] == REFERENCE
    assert not read_before.count("/backups")


def test_a_history_that_is_fresh_is_not_read_again_for_what_is_nowhere(
    find: Callable[[str], Any], emulator: Emulator, portal: Settings
) -> None:
    portal.DCS_FRESH_SECONDS = 3600
    find(NOWHERE)
    emulator.clear_calls()

    shown = text_of(find(NOWHERE))
    read_again = {call.path for call in emulator.calls if "/backups" in call.path}

    assert "Nothing with this name or id" in shown
    assert not [path for path in read_again if ORDERS_CACHE_ID in path]


@pytest.mark.parametrize("fault", ["fails", "hangs"])
def test_an_old_history_that_cannot_be_read_again_is_not_said_to_lack_a_backup(
    find: Callable[[str], Any], read_before: Emulator, impatient: Settings, fault: str
) -> None:
    read_before.insert_record(ORDERS_CACHE_ID, raw(7))
    if fault == "fails":
        read_before.fail_with(500, path_contains=f"{ORDERS_CACHE_ID}/backups")
    else:
        read_before.hang(path_contains=f"{ORDERS_CACHE_ID}/backups")

    shown = text_of(find(NEW_BACKUP_ID))

    assert "Nothing was found in what could be read" in shown
    assert "Nothing with this name or id" not in shown


@pytest.mark.parametrize("again", [False, True])
def test_a_history_that_is_too_long_to_be_read_whole_is_not_said_to_lack_a_backup(
    find: Callable[[str], Any], emulator: Emulator, portal: Settings, again: bool
) -> None:
    portal.DCS_MAX_RECORDS = 9_000
    if again:
        find(NOWHERE)

    shown = text_of(find(NOWHERE))

    assert "The backups of 1 instance could not be read fully" in shown
    assert "Nothing with this name or id" not in shown


def test_a_page_of_a_problem_names_an_instance_that_only_the_list_of_its_project_tells_of(
    client_of: Callable[[str], Client], emulator: Emulator, impatient: Settings
) -> None:
    ada = client_of("ada")
    ada.get("/projects/eu-prod/")
    emulator.fail_with(500, path_contains=ORDERS_CACHE_ID)

    answer = ada.get(ORDERS)

    assert answer.status_code == 503
    assert "orders-cache" in text_of(answer)


def test_an_empty_search_asks_nobody(find: Callable[[str], Any], emulator: Emulator) -> None:
    assert find("").status_code == 200
    assert not emulator.calls
