"""ListBackupRecords of the emulator, parameter by parameter (ListBackupRecords.md, dcs-api.md section 1)."""

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID


def test_pages_are_of_ten_records_newest_first_and_the_one_behind_the_end_is_empty(dcs):
    body = dcs.backups(BULK_HISTORY_ID).json()

    created = [one["created_at"] for one in body["backup_record_response"]]
    assert created == sorted(created, reverse=True)
    assert (len(created), body["total_num"]) == (10, 10_000)
    assert dcs.records(BULK_HISTORY_ID, "?limit=5&offset=3") == body["backup_record_response"][3:8]
    # What the reference page has left over of another API filters nothing.
    assert dcs.backups(BULK_HISTORY_ID, "?start=5&beginTime=20260101000000&endTime=x").json() == body
    behind = dcs.backups(BULK_HISTORY_ID, "?offset=10000")
    assert (behind.status_code, behind.json()) == (200, {"total_num": 10_000, "backup_record_response": []})


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "limit=",
        "offset=-1",
        "begin_time=20261301000000",
        "end_time=2026",
    ],
)
def test_a_value_that_cannot_be_read_is_named_by_dcs_4800(dcs, query):
    response = dcs.backups(ORDERS_CACHE_ID, "?" + query)

    assert response.status_code == 400
    assert response.json() == {
        "error_code": "DCS.4800",
        "error_msg": f"Invalid {query.partition('=')[0]} in the request.",
        "error_ext_msg": None,
    }


def test_begin_and_end_time_are_inclusive_bounds_on_created_at_in_utc(dcs):
    moments = ("2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z", "2026-03-03T00:00:00.000Z")
    dcs.emulator.set_records(
        ORDERS_CACHE_ID, [{"backup_id": f"b{n}", "created_at": moment} for n, moment in enumerate(moments)]
    )

    assert dcs.ids(ORDERS_CACHE_ID, "?begin_time=20260302000000") == ["b1", "b2"]
    assert dcs.ids(ORDERS_CACHE_ID, "?end_time=20260302000000") == ["b0", "b1"]
    assert dcs.ids(ORDERS_CACHE_ID, "?begin_time=20260301000001&end_time=20260302235959") == ["b1"]
    window = dcs.backups(ORDERS_CACHE_ID, "?limit=1&begin_time=20260302000000").json()
    assert window["total_num"] == 2  # that of the window, not of the page


def test_an_empty_history_is_204_without_a_body(dcs):
    brand_new = dcs.emulator.fleet.named("brand-new").instance_id
    for response in (dcs.backups(brand_new), dcs.backups(ORDERS_CACHE_ID, "?end_time=20180101000000")):
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["X-Request-Id"]
    assert dcs.backups(ORDERS_CACHE_ID).status_code == 200  # on the same connection


def test_every_answer_has_a_request_id_of_its_own(dcs):
    answers = [
        dcs.backups(ORDERS_CACHE_ID),
        dcs.backups(ORDERS_CACHE_ID, "?limit=0"),
        dcs.get("/nothing"),
        dcs.session.get(f"{dcs.endpoint}/v2/x/instances", timeout=30),
        dcs.session.get(f"{dcs.endpoint}/favicon.ico", timeout=30),
    ]

    assert len({one.headers["X-Request-Id"] for one in answers}) == len(answers)
