"""A usual page is decoded straight into records, and they are those that reading field by field gives."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.pages import backup_page, decode, page_of
from backups.dcs.records import BackupRecord
from backups.dcs.rows import Unusual, usual_page
from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID
from tests.dcs.test_records import FIELDS, REFERENCE


def field_by_field(body: bytes) -> tuple[BackupRecord, ...]:
    rows = decode(body)["backup_record_response"]
    return tuple(BackupRecord.from_api(row) for row in rows if isinstance(row, dict))


def body_of(*rows: Any, total: Any = 1) -> bytes:
    return json.dumps({"total_num": total, "backup_record_response": rows}).encode()


# What a field of the API may hold, more often than not as the reference says.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.sampled_from(
    [
        "",
        "succeed",
        "FAILED",
        "manual",
        "RDB",
        "dcs.08.0002",
        "DCS.08.0002",
        "22:00-23:00",
        "Straße İ",
        None,
        {},
    ]
)
TIMES = st.sampled_from(
    [
        "2019-05-10T08:31:16.166Z", "2019-05-10T08:31:16Z", "2019-05-10 08:31:16", "2019-05-10t08:31:16z",
        "2019-05-10T08:31:16.1234567Z", "2019-05-10T08:31:16.9999999Z", "2019-05-10T08:31:16.1Z",
        "2019-05-10T16:31:16+08:00", "2019-05-10T16:31:16+0800", "2019-05-10T08:31:16+00:00",
        "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59-01:00",
        "2200-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59-23:59", "2019-05-10T24:00:00Z", "2019-05-10T08:31:60Z", "2019-05-10",
        " 2019-05-10T08:31:16Z", "", "yesterday", None, {}, 5, [],
    ]
) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")  # fmt: skip
SIZES = st.integers(-1, 2**63) | st.sampled_from(
    ["", "880232", " 7 ", "x", "9" * 19, 1.0, 1.5, None, {}, True]
)
PERCENTS = st.sampled_from(
    ["100.00", "0.00", "63.5", "", "abc", "nan", "1_0", "250", "-1", 42, None, {}, "٣"]
)
WORDS = st.sampled_from(["TRUE", "FALSE", "true", "", "maybe", True, False, None, {}, 0])
VALUES = {
    "size": SIZES,
    "progress": PERCENTS,
    "is_support_restore": WORDS,
    "created_at": TIMES,
    "execution_at": TIMES,
    "updated_at": TIMES,
}


@settings(max_examples=500, deadline=None)
@given(
    changes=st.fixed_dictionaries({}, optional={name: VALUES.get(name, TEXTS) for name in FIELDS}),
    total=st.sampled_from([0, 3, -1, 2**63, "3", None, {}, 1.0]),
)
def test_whichever_way_a_page_is_read_its_records_are_the_same(changes: dict[str, Any], total: Any) -> None:
    body = body_of(REFERENCE, REFERENCE | changes, total=total)
    page = backup_page(body)
    assert page.records == field_by_field(body)
    assert repr(page.records) == repr(field_by_field(body))
    assert page.total_num == page_of(body, items="backup_record_response", total="total_num")[1]


@pytest.mark.parametrize("empty", [{}, None, ""])
@pytest.mark.parametrize("field", [name for name in FIELDS if not name.endswith("_at")])
def test_a_row_without_a_value_is_usual(field: str, empty: Any) -> None:
    records, total = usual_page(body_of(REFERENCE | {field: empty}, total=7))
    assert (records[0], total) == (BackupRecord.from_api(REFERENCE | {field: empty}), 7)


@pytest.mark.parametrize("field", ["created_at", "execution_at", "updated_at"])
def test_a_row_without_a_time_is_usual(field: str) -> None:
    for empty in ({}, None):
        [record] = usual_page(body_of(REFERENCE | {field: empty}))[0]
        assert getattr(record, field) is None


def test_a_long_history_is_read_the_quick_way(emulator: Emulator) -> None:
    rows = [row.text for row in emulator.fleet.backups(BULK_HISTORY_ID)]
    body = b'{"total_num":10000,"backup_record_response":[' + b",".join(rows) + b"]}"
    records, total = usual_page(body)
    assert total == 10_000
    assert records == field_by_field(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"error_code": {"a": 1}},
        {"remark": 7},
        {"created_at": "2019-05-10T16:31:16+08:00"},
        {"size": -1},
        {"progress": "abc"},
        {"is_support_restore": "maybe"},
    ],
)
def test_one_odd_field_makes_a_page_unusual(changes: dict[str, Any]) -> None:
    with pytest.raises(Unusual):
        usual_page(body_of(REFERENCE, REFERENCE | changes))


@pytest.mark.parametrize("error", [b'"error_code":"DCS.5000"', b'"error_msg":"x"', b'"error":{"code":"1"}'])
def test_an_error_beside_a_list_is_no_usual_page(error: bytes) -> None:
    with pytest.raises(Unusual):
        usual_page(b'{"backup_record_response":[],%b}' % error)


@pytest.mark.parametrize(
    "row",
    [
        b'{"size":1,"size":2}',
        b'{"remark":"a","remark":null}',
        b'{"remark":{},"remark":"\\u00e9\\ud83d\\ude00"}',
        b'{"unknown":[[{"a":"\\ud800"}]],"backup_id":"a"}',
        b'{"unknown":NaN,"backup_id":"a"}',
        b'{"unknown":"\xff","backup_id":"a"}',
        b'{"status":"succeed\\u0000"}',
    ],
)
def test_odd_json_is_read_the_same_whichever_way(row: bytes) -> None:
    body = b'{"backup_record_response":[%b]}' % row
    assert backup_page(body).records == field_by_field(body)


def test_what_repeats_in_a_history_is_kept_once() -> None:
    row = REFERENCE | {"period": "22:00-23:00", "error_code": "dcs.08.0002", "backup_format": "rdb"}
    one, other = usual_page(body_of(row, row))[0]
    for field in ("instance_id", "status", "type", "format", "error_code", "period"):
        assert getattr(one, field) is getattr(other, field)


def test_ten_thousand_records_cost_at_most_15_megabytes(emulator: Emulator) -> None:
    rows = [json.loads(row.text) for row in emulator.fleet.backups(BULK_HISTORY_ID)]
    remarks = ("before the upgrade, ticket OPS-{}", "升级前的手动备份，工单 {}", "{}" + "长" * 120)
    for number, row in enumerate(rows):
        row["remark"] = remarks[number % 3].format(number)
        row["progress"] = f"{number % 9973 / 100:.2f}"
    pages = [body_of(*rows[start : start + 1000], total=10_000) for start in range(0, 10_000, 1000)]
    tracemalloc.start()
    try:
        kept = [backup_page(body).records for body in pages]
        gc.collect()
        cost, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, kept)) == 10_000
    assert cost < 15_000_000
