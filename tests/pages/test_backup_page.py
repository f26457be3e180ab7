"""One backup: every field as read and as received, and its neighbours in time."""

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID, REFERENCE_RECORD
from tests.services.api_records import raws

from .conftest import ORDERS, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")


def test_the_reference_page_s_record_is_shown_as_it_is(ada):
    page = ada.get(f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/")

    shown = text_of(page)
    for words in (
        "Succeeded",
        "Manual",
        "can be restored",
        "880,232 bytes",
        "10 May 2019 08:31:21 UTC",
        "1 min 9 s",
        "001",
    ):
        assert words in shown
    assert 'datetime="2019-05-10T08:31:21Z"' in page.content.decode()


def test_every_field_is_shown_as_received(ada):
    shown = text_of(ada.get(f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"))

    for name, value in REFERENCE_RECORD.items():
        assert f"{name} {value}" in shown, name


def test_neighbours_in_time_are_linked(ada, emulator):
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    ids = {n: f"{ORDERS}backups/00000000-0000-4000-8000-{n:012d}/" for n in (1, 2, 3)}

    page = ada.get(ids[2])

    assert links_of(page, 'rel="prev"') == [ids[1]]
    assert links_of(page, 'rel="next"') == [ids[3]]


def test_a_failed_backup_says_what_its_code_means_and_what_to_do(ada, emulator):
    instance = emulator.fleet.named("every-error-code").instance_id
    failed = ada.get(f"{history_of(instance)}backups.json?status=failed").json()["backups"]

    assert len(failed) == 9
    for backup in failed:
        shown = text_of(ada.get(backup["url"].removeprefix("http://127.0.0.1:8000")))
        assert backup["error_code"] in shown
        if backup["error_meaning"]:
            assert backup["error_meaning"] in shown


def test_a_backup_that_dcs_does_not_list_is_404_and_says_so(ada):
    page = ada.get(f"{ORDERS}backups/00000000-0000-4000-8000-000000000000/")

    assert page.status_code == 404
    assert "not in DCS's list" in text_of(page)
    assert ORDERS in links_of(page)


def test_a_backup_made_since_the_list_was_read_is_found(ada, emulator):
    ada.get(ORDERS)
    [new, *_] = raws(1000)
    emulator.insert_record(ORDERS_CACHE_ID, new)

    page = ada.get(f"{ORDERS}backups/{new['backup_id']}/")

    assert page.status_code == 200
