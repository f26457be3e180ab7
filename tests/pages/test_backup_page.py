"""One backup: every field as read and as received, its neighbours in time, and its restores."""

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_RECORD
from backups.models import Reading
from tests.services.api_records import raw, raws

from .addresses import REFERENCE, history_named, page_of
from .conftest import ORDERS, links_of, text_of

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


def test_a_failed_backup_says_what_its_code_means_and_what_to_do(ada):
    failed = ada.get(f"{history_named('every-error-code')}backups.json?status=failed").json()["backups"]

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


# Restores, read when somebody opens them ---------------------------------------------------


def test_a_page_leads_to_the_restores_and_asks_for_them_only_then(ada, emulator):
    assert f"{REFERENCE}restores/" in links_of(ada.get(REFERENCE))
    assert f"{ORDERS}restores/" in links_of(ada.get(ORDERS))
    assert emulator.count("/restores") == 0

    page = ada.get(f"{ORDERS}restores/")

    assert "restored 11 May 2019 02:15:02 UTC , succeeded" in text_of(page)
    assert "restore of 18 Sep" in text_of(page)
    assert "dcs.08.0007" in text_of(page)
    assert REFERENCE in links_of(page)
    for path in (ORDERS, REFERENCE):
        block = ada.get(f"{path}restores/", headers={"HX-Request": "true"})
        assert "succeeded" in text_of(block)
        assert "<html" not in block.content.decode()
    assert emulator.count("/restores") == 1


def test_a_backup_without_a_restore_says_so(ada):
    assert "DCS lists no restore of this backup." in text_of(ada.get(f"{ORDERS}backups/other/restores/"))
    baskets = text_of(ada.get(f"{history_named('baskets')}restores/"))
    assert "DCS lists no restore into this instance." in baskets


def test_restores_that_dcs_does_not_tell_are_a_problem_and_no_gap(ada, emulator):
    emulator.fail_with(403, path_contains="/restores")

    refused = ada.get(f"{ORDERS}restores/")

    assert refused.status_code == 502
    assert "DCS.2003" in text_of(refused)
    assert "It is not known right now which restores there were." in text_of(refused)
    assert f"{ORDERS}ticket/" in links_of(refused)
    assert not Reading.objects.exclude(problem="").exists()
