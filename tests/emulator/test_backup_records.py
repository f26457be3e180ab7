"""ListBackupRecords of the emulator, parameter by parameter (ListBackupRecords.md, dcs-api.md section 1)."""

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from tests.conftest import LONG


def test_pages_are_of_ten_records_newest_first_and_the_one_behind_the_end_is_empty(dcs):
    body = dcs.backups(BULK_HISTORY_ID).json()

    created = [one["created_at"] for one in body["backup_record_response"]]
    assert created == sorted(created, reverse=True)
    assert (len(created), body["total_num"]) == (10, LONG)
    assert dcs.records(BULK_HISTORY_ID, "?limit=5&offset=3") == body["backup_record_response"][3:8]
    # What the reference page has left over of another API filters nothing.
    assert dcs.backups(BULK_HISTORY_ID, "?start=5&beginTime=20260101000000&endTime=x").json() == body
    behind = dcs.backups(BULK_HISTORY_ID, f"?offset={LONG}")
    assert (behind.status_code, behind.json()) == (200, {"total_num": LONG, "backup_record_response": []})


WRONG = {
    "limit": ("0", "1001", "ten", ""),
    "offset": ("-1",),
    "begin_time": ("20261301000000",),
    "end_time": ("2026",),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_cannot_be_read_is_named_by_dcs_4800(dcs, name):
    for value in WRONG[name]:
        response = dcs.backups(ORDERS_CACHE_ID, f"?{name}={value}")

        error = {
            "error_code": "DCS.4800",
            "error_msg": f"Invalid {name} in the request.",
            "error_ext_msg": None,
        }
        assert (response.status_code, response.json()) == (400, error)


def test_begin_and_end_time_are_inclusive_bounds_on_created_at_in_utc(dcs):
    records = [{"backup_id": f"b{day}", "created_at": f"2026-03-0{day}T00:00:00.000Z"} for day in (1, 2, 3)]
    dcs.emulator.set_records(ORDERS_CACHE_ID, records)

    assert dcs.ids(ORDERS_CACHE_ID, "?begin_time=20260302000000") == ["b2", "b3"]
    assert dcs.ids(ORDERS_CACHE_ID, "?end_time=20260302000000") == ["b1", "b2"]
    assert dcs.ids(ORDERS_CACHE_ID, "?begin_time=20260301000001&end_time=20260302235959") == ["b2"]
    window = dcs.backups(ORDERS_CACHE_ID, "?limit=1&begin_time=20260302000000").json()
    assert window["total_num"] == 2  # that of the window, not of the page


def test_an_empty_history_is_204_without_a_body(dcs):
    brand_new = dcs.emulator.fleet.named("brand-new").instance_id
    for response in (dcs.backups(brand_new), dcs.backups(ORDERS_CACHE_ID, "?end_time=20180101000000")):
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["X-Request-Id"]
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200  # on the same connection


def test_every_answer_has_a_request_id_of_its_own(dcs):
    answers = [dcs.backups(ORDERS_CACHE_ID), dcs.backups(ORDERS_CACHE_ID, "?limit=0"), dcs.get("/nothing")]
    answers += [
        dcs.session.get(dcs.endpoint + path, timeout=30) for path in ("/v2/x/instances", "/favicon.ico")
    ]

    assert len({one.headers["X-Request-Id"] for one in answers}) == len(answers)
