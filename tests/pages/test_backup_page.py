"""One backup: every field as read and as received, and its neighbours in time."""

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_RECORD
from tests.services.api_records import raw, raws

from .addresses import REFERENCE, page_of
from .conftest import ORDERS, history_of, links_of, text_of

pytestmark = pytest.mark.usefixtures("portal")


def test_the_reference_page_s_record_is_shown_as_read_and_as_received(ada):
    page = ada.get(REFERENCE)

    shown = text_of(page)
    for words in ("Succeeded", "Manual", "can be restored", "880,232 bytes", "1 min 9 s"):
        assert words in shown
    assert "10 May 2019 08:31:21 UTC" in shown
    for name, value in REFERENCE_RECORD.items():
        assert f"{name} {value}" in shown
    assert 'datetime="2019-05-10T08:31:21Z"' in page.content.decode()


def test_neighbours_in_time_are_linked(ada, lists):
    lists(raws(3))

    page = ada.get(page_of(2))

    assert links_of(page, 'rel="prev"') == [page_of(1)]
    assert links_of(page, 'rel="next"') == [page_of(3)]


def test_a_failed_backup_says_what_its_code_means_and_what_to_do(ada, emulator):
    instance = emulator.fleet.named("every-error-code").instance_id
    failed = ada.get(f"{history_of(instance)}backups.json?status=failed").json()["backups"]

    assert len(failed) == 9
    for backup in failed:
        shown = text_of(ada.get(backup["url"].removeprefix("http://127.0.0.1:8000")))
        assert backup["error_code"] in shown
        assert (backup["error_meaning"] or "") in shown


def test_a_backup_that_dcs_does_not_list_is_404_and_one_made_since_the_list_was_read_is_found(ada, emulator):
    missing = ada.get(f"{ORDERS}backups/00000000-0000-4000-8000-000000000000/")
    emulator.insert_record(ORDERS_CACHE_ID, raw(1000))

    assert missing.status_code == 404
    assert "not in DCS's list" in text_of(missing)
    assert ORDERS in links_of(missing)
    assert ada.get(page_of(1000)).status_code == 200
