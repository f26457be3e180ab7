"""Ids that a project's list does not hold: one call each, a few in a minute, at nobody else's cost."""

import pytest

from backups.services.listings import COUNTED_SECONDS, MOST_UNKNOWN

from .conftest import ORDERS, PROJECT, history_of, text_of

pytestmark = pytest.mark.usefixtures("within_one_minute")


def made_up(number):
    return history_of(f"00000000-0000-4000-8000-{number:012}")


@pytest.fixture
def ada(client_of):
    """A viewer who has seen the project, and asked for as many made-up ids as one may in a minute."""
    client = client_of("ada")
    client.get(PROJECT)
    return client


@pytest.fixture
def refused(ada, emulator):
    emulator.clear_calls()
    assert {ada.get(made_up(n)).status_code for n in range(MOST_UNKNOWN)} == {404}
    assert len(emulator.calls) == MOST_UNKNOWN  # each costs one call
    emulator.clear_calls()
    return ada


def test_beyond_its_share_a_viewer_is_told_when_to_come_back(refused, emulator):
    page, as_json, as_csv = (
        refused.get(f"{made_up(77)}{name}") for name in ("", "backups.json", "backups.csv")
    )
    behind = refused.get(made_up(77), headers={"HX-Request": "true"})

    for answer in (page, as_json, as_csv, behind):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= COUNTED_SECONDS
    assert "Too many requests" in text_of(page)
    assert as_json.json()["problem"]["kind"] == "too_many_requests"
    assert "unknown instances" in as_json.json()["problem"]["message"]
    assert as_csv.headers["Content-Type"].startswith("text/plain")
    assert behind.json()["error"] == "too_many_requests"
    assert not emulator.calls


@pytest.mark.parametrize("page", ["recovery-point/", "ticket/", "backups/backup-1/"])
def test_no_page_of_an_instance_is_a_way_round_and_the_log_says_so_once(refused, emulator, caplog, page):
    assert refused.get(f"{made_up(77)}{page}").status_code == 429
    assert refused.post(f"{made_up(77)}refresh/").status_code == 429
    assert not emulator.calls
    assert sum("over 10 in a minute" in record.getMessage() for record in caplog.records) == 1


def test_what_the_list_holds_is_served_meanwhile_and_another_viewer_has_a_share_of_its_own(
    refused, client_of
):
    assert refused.get(ORDERS).status_code == 200
    assert refused.get(PROJECT).status_code == 200
    assert client_of("ben").get(made_up(77)).status_code == 404


def test_an_instance_newer_than_the_list_is_served_and_once_at_hand_is_not_counted(client_of, emulator):
    ada = client_of("ada")
    emulator.answer_body(b'{"instance_num": 0, "instances": []}', times=1)
    ada.get(PROJECT)
    emulator.clear_calls()

    first = ada.get(ORDERS)
    asked = [call.path.rpartition("/")[2] for call in emulator.calls]
    for number in range(MOST_UNKNOWN):
        ada.get(made_up(number))

    assert "orders-cache" in text_of(first)
    assert asked[0] == "backups"
    assert ada.get(made_up(77)).status_code == 429
    assert ada.get(ORDERS).status_code == 200
