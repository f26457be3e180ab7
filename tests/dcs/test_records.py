"""One odd field never loses a record, and what cannot be read is kept as itself."""

import contextlib
import gc
import json
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backups.dcs.errors import DcsAnswerGarbled
from backups.dcs.pages import backup_page, decode, instance_answer, instance_page, page_of
from backups.dcs.records import BackupPolicy, BackupRecord, Instance
from backups.emulator.fleet import BULK_HISTORY_ID, Fleet
from backups.emulator.fleet import REFERENCE_RECORD as REFERENCE

FIELDS = (*REFERENCE, "backup_format")


def record(**changes):
    return BackupRecord.from_api(REFERENCE | changes)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The bodies of public sources ----------------------------------------------------


def test_the_reference_page_s_own_record_is_read_field_by_field():
    page = backup_page(json.dumps({"total_num": 1, "backup_record_response": [REFERENCE]}).encode(), "id-1")
    assert (page.total_num, page.length, page.request_id) == (1, 1, "id-1")
    (read,) = page.records
    assert read == BackupRecord(
        backup_id="4631832a-14c6-45b0-a0b3-3abd8f591ad1", name="backup_20190510163116",
        instance_id="5560df16-cebf-4473-95c4-d1b573c16e79", status="succeed", type="manual", format="",
        size_bytes=880232, created_at=at("2019-05-10T08:31:16.166"),
        execution_at=at("2019-05-10T08:31:21.461"), updated_at=at("2019-05-10T08:32:30.546"),
        progress_percent=100.0, restorable=True, error_code="", description="001", period="", unread=(),
        search_text="backup_20190510163116\n4631832a-14c6-45b0-a0b3-3abd8f591ad1\n001\n",
    )  # fmt: skip
    assert read.started_at == at("2019-05-10T08:31:21.461")
    assert read.finished_at == at("2019-05-10T08:32:30.546")
    assert read.duration == timedelta(seconds=69, milliseconds=85)


def test_the_other_vendor_s_sample_ends_before_it_starts():
    read = record(execution_at="2019-05-11T08:31:16.166Z", backup_format="aof")
    assert read.format == "aof"
    assert read.duration is None
    assert read.ends_before_it_starts


def test_the_sparse_sample_of_a_third_party_keeps_both_records():
    page = backup_page(
        b'{"total_num":2,"backup_record_response":[{"backup_id":"backup-1","backup_name":"Manual backup",'
        b'"status":"succeed","size":2048,"created_at":"2026-01-01T00:00:00Z","is_support_restore":true},'
        b'{"backup_id":"backup-2","is_support_restore":false}]}'
    )
    first, second = page.records
    assert (first.restorable, first.size_bytes, first.started_at) == (True, 2048, at("2026-01-01"))
    assert (second.restorable, second.status, second.started_at) == (False, "", None)
    assert second.unread == ()


# No value --------------------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS)
def test_null_an_empty_object_empty_text_and_a_missing_key_are_the_same(field):
    without = BackupRecord.from_api({name: value for name, value in REFERENCE.items() if name != field})
    for empty in (None, {}, "", []):
        assert record(**{field: empty}) == without
    assert without.unread == ()


# Field by field ----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["waiting", "backuping", "succeed", "failed", "expired", "deleted"])
def test_only_what_has_ended_has_an_end(status):
    read = record(status=status)
    assert read.status == status
    assert (read.finished_at is not None) == (status in ("succeed", "failed"))
    assert (read.duration is not None) == (status in ("succeed", "failed"))
    assert read.is_running == (status in ("waiting", "backuping"))


READ = {
    ("status", "status"): [("odd", "odd"), ("SUCCEED", "SUCCEED"), (7, "7"), ({"a": 1}, '{"a": 1}')],
    ("backup_type", "type"): [("weekly", "weekly")],
    ("backup_format", "format"): [("Snapshot", "snapshot"), ("RDB", "rdb")],
    ("error_code", "error_code"): [("DCS.08.0002", "dcs.08.0002")],
    ("is_support_restore", "restorable"): [
        *((yes, True) for yes in ("TRUE", "true", "True", True)),
        *((no, False) for no in ("FALSE", "false", False)),
    ],
    ("size", "size_bytes"): [
        (0, 0), ("0", 0), ("880232", 880232), (" 7 ", 7), (880232.0, 880232), (2**63 - 1, 2**63 - 1),
    ],
    ("progress", "progress_percent"): [("100.00", 100.0), ("0", 0.0), (42, 42.0), ("63.5", 63.5)],
}  # fmt: skip


@pytest.mark.parametrize(("field", "attribute"), READ)
def test_a_field_is_read_in_any_spelling_and_an_unknown_word_is_kept_as_itself(field, attribute):
    for value, read in READ[field, attribute]:
        assert getattr(record(**{field: value}), attribute) == read, value
        assert record(**{field: value}).unread == ()


TIMES_READ = {
    "2019-05-10T08:31:16.166Z": "2019-05-10T08:31:16.166",
    "2019-05-10 08:31:16": "2019-05-10T08:31:16",
    "2019-05-10T08:31:16": "2019-05-10T08:31:16",
    "2019-05-10T16:31:16+08:00": "2019-05-10T08:31:16",
    "2019-05-10T16:31:16.166+0800": "2019-05-10T08:31:16.166",
    "2019-05-10T08:31:16-00:30": "2019-05-10T09:01:16",
    " 2019-05-10T08:31:16Z ": "2019-05-10T08:31:16",
}


@pytest.mark.parametrize(("text", "moment"), TIMES_READ.items())
def test_times_are_read_in_both_forms_and_any_zone(text, moment):
    for field in TIME_FIELDS:
        read = getattr(record(**{field: text}), field)
        assert (read, read.utcoffset()) == (at(moment), timedelta(0))


TIME_FIELDS = ("created_at", "execution_at", "updated_at")
NO_TIMES = ["yesterday", "2019-05-10", "20190510083116", "2019-13-10T08:31:16Z", "0000-00-00 00:00:00"]
NO_TIMES += ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
UNREADABLE = {
    "size": [-1, "-1", 1.5, "1.5 GB", True, 2**63, 9.5e18, "9" * 30, "٣", "1_000", "0\x1f", [1]],
    "progress": ["abc", "250.00", "-1", "nan", "inf", True, [50], 10**300, "9" * 500],
    "is_support_restore": ["maybe", 0, 1, " TRUE ", ["TRUE"]],
    **{field: [*NO_TIMES, 1557477076, True, ["2019-05-10T08:31:16Z"]] for field in TIME_FIELDS},
}
READ_AS = {"size": "size_bytes", "progress": "progress_percent", "is_support_restore": "restorable"}


@pytest.mark.parametrize("field", UNREADABLE)
def test_what_cannot_be_read_is_no_value_and_shown_as_it_came(field):
    for value in UNREADABLE[field]:
        read = record(**{field: value})
        assert getattr(read, READ_AS.get(field, field)) is None, value
        assert read.unread == ((field, value if isinstance(value, str) else json.dumps(value)),)


def test_a_start_that_is_missing_or_unreadable_falls_back_to_the_creation():
    for value in (None, "yesterday"):
        assert record(execution_at=value).started_at == at("2019-05-10T08:31:16.166")


def test_the_search_text_folds_case_and_keeps_chinese():
    text = record(remark="STRASSE 备份", error_code="DCS.08.0002").search_text
    assert "straße 备份".casefold() in text
    assert "dcs.08.0002" in text


def test_records_without_an_id_are_told_apart_by_all_that_they_say():
    page = [{"status": "failed"}, {"status": "succeed"}, {"status": "failed", "size": 1}]
    assert len({BackupRecord.from_api(one).key for one in page}) == 3


# Any JSON --------------------------------------------------------------------------

ODD_VALUES = [
    "TRUE", "2019-05-10T08:31:16Z", "\ud800", "\udc00x", "\ufeff", "1e999", "9" * 400, 10**30, -(10**400),
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(ODD_VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


# More often than not as the reference page says.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.sampled_from(
    ["", "succeed", "FAILED", "RDB", "DCS.08.0002", "Straße İ", None, {}]
)
TIMES = st.sampled_from(
    [
        "2019-05-10T08:31:16.166Z", "2019-05-10T08:31:16Z", "2019-05-10 08:31:16", "2019-05-10t08:31:16z",
        "2019-05-10T08:31:16.1234567Z", "2019-05-10T08:31:16.9999999Z", "2019-05-10T16:31:16+08:00",
        "2019-05-10T16:31:16+0800", "2019-05-10T08:31:16+00:00", "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59-01:00", "2200-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59",
        "2019-05-10T24:00:00Z", "2019-05-10T08:31:60Z", "2019-05-10", " 2019-05-10T08:31:16Z", "yesterday",
    ]
) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")  # fmt: skip
VALUES = {
    "size": st.integers(-1, 2**63) | st.sampled_from(["", "880232", " 7 ", "x", 1.0, 1.5, None, {}, True]),
    "progress": st.sampled_from(["100.00", "63.5", "", "abc", "nan", "1_0", "250", "-1", 42, None, {}, "٣"]),
    "is_support_restore": st.sampled_from(["TRUE", "FALSE", "true", "", "maybe", True, False, None, {}, 0]),
    **dict.fromkeys(("created_at", "execution_at", "updated_at"), TIMES),
}


@settings(max_examples=500, deadline=None)
@given(
    changes=st.fixed_dictionaries({}, optional={name: VALUES.get(name, TEXTS) for name in FIELDS})
    | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
    total=st.sampled_from([3, 0, -1, 2**63, "3", None, {}, 1.0]),
    bom=st.booleans(),
)
@example(changes={"size": 10**5000}, total=3, bom=False)
@example(changes={"size": float("inf"), "remark": float("nan")}, total=3, bom=True)
def test_whatever_a_field_holds_no_record_is_lost_and_a_usual_page_is_read_as_any_other(changes, total, bom):
    usual = REFERENCE | {"period": None, "error_code": None}
    rows = [usual, usual | {"backup_id": "odd"} | changes, usual | {"backup_id": "last"}]
    body = b"\xef\xbb\xbf" * bom + _json({"total_num": total, "backup_record_response": rows})
    page = backup_page(body)
    assert (page.length, len(page.records)) == (3, 3)
    assert page.total_num == page_of(body, items="backup_record_response", total="total_num")[1]
    assert repr(page.records) == repr(field_by_field(body))
    assert page.records[0] == record()
    assert page.records[2].backup_id == "last"
    odd = page.records[1]
    for text in (odd.name, odd.status, odd.description, odd.search_text, odd.key, *map(str, odd.unread)):
        text.encode()  # a lone surrogate would break the page that shows it
    assert odd.size_bytes is None or 0 <= odd.size_bytes < 2**63
    assert odd.duration is None or odd.duration >= timedelta(0)


def field_by_field(body):
    rows = decode(body)["backup_record_response"]
    return tuple(BackupRecord.from_api(row) for row in rows if isinstance(row, dict))


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(JSON, max_size=4))
def test_rows_that_are_no_objects_cost_only_themselves(rows):
    page = backup_page(_json({"total_num": 9, "backup_record_response": [*rows, REFERENCE]}))
    assert page.length == len(rows) + 1
    assert page.records[-1] == record()


def _json(value):
    """JSON of anything: NaN and Infinity as Python writes them, integers of any length."""
    most_digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(value).encode()
    finally:
        sys.set_int_max_str_digits(most_digits)


REFUSED_BY_STRICT_JSON = [
    rb'"\ud800"', rb'"a\udc00b"', rb'"\ud83d\ude00"', b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999",
    b"9" * 5000, b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"a\nb"', b"1e-999", b"[[[[]]]]",
]  # fmt: skip


@pytest.mark.parametrize("field", REFUSED_BY_STRICT_JSON)
def test_a_page_that_strict_json_refuses_is_read_all_the_same(field):
    body = b'{"backup_record_response":[{"backup_id":"a","remark":%b,"size":%b},{"backup_id":"b"}]}'
    page = backup_page(body % (field, field))
    assert [one.backup_id for one in page.records] == ["a", "b"]
    page.records[0].description.encode()


def test_a_pair_of_surrogates_beside_a_lone_one_stays_a_letter():
    body = rb'{"backup_record_response":[{"backup_id":"a","remark":"\ud83d\ude00 \ud800"}]}'
    assert backup_page(body).records[0].description == "😀 \ufffd"


NOT_THE_API_S = [
    b"<html></html>", b"{", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b" ", b"[" * 100_000,
    b'{"status": "ok"}', b'{"backup_record_response":' + b"[" * 100_000,
    b'{"backup_record_response": "none"}', b'{"backup_record_response": 0}',
    b'{"backup_record_response": {"a": 1}}',
    b'{"backup_record_response":[{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}]}",
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_THE_API_S)
def test_what_is_not_the_api_s_answer_is_garbled_and_never_an_empty_history(body):
    with pytest.raises(DcsAnswerGarbled):
        backup_page(body)


def test_any_nesting_is_either_read_or_garbled():
    read = 0
    for depth in range(1, 1100):
        body = b'{"backup_record_response":[{"backup_id":"a","size":%b}]}' % (b"[" * depth + b"]" * depth)
        with contextlib.suppress(DcsAnswerGarbled):
            read += len(backup_page(body).records)
    assert read > 100


EMPTY = [b"", b"{}", b'{"total_num":0}', b'{"total_num":0,"backup_record_response":[]}', b'{"total_num":{}}']
EMPTY += [b'{"backup_record_response":null}', b'{"backup_record_response":{}}']


@pytest.mark.parametrize("body", EMPTY)
def test_an_empty_history_in_any_form_is_an_empty_page(body):
    page = backup_page(body)
    assert (page.records, page.length) == ((), 0)


TOTALS = dict.fromkeys((b"3", b'"3"', b"3.0"), 3) | dict.fromkeys((b"-3", b"null", b'"x"', b"1e30"))


@pytest.mark.parametrize(("total", "read"), TOTALS.items())
def test_a_total_in_any_form(total, read):
    assert backup_page(b'{"backup_record_response":[],"total_num":%b}' % total).total_num == read


@pytest.mark.parametrize("error", [b'"error_code":"DCS.5000"', b'"error_msg":"x"', b'"error":{"code":"1"}'])
def test_an_error_beside_a_list_is_no_page(error):
    with pytest.raises(DcsAnswerGarbled):
        backup_page(b'{"backup_record_response":[],%b}' % error)


ODD_ROWS = [
    b'{"size":1,"size":2}', b'{"remark":"a","remark":null}', b'{"unknown":NaN,"backup_id":"a"}',
    rb'{"remark":null,"remark":"\u00e9\ud83d\ude00"}', rb'{"unknown":[[{"a":"\ud800"}]],"backup_id":"a"}',
    b'{"unknown":"\xff","backup_id":"a"}', rb'{"status":"succeed\u0000"}',
]  # fmt: skip


@pytest.mark.parametrize("row", ODD_ROWS)
def test_odd_json_is_read_the_same_whichever_way(row):
    body = b'{"backup_record_response":[%b]}' % row
    assert backup_page(body).records == field_by_field(body)


def test_ten_thousand_records_are_read_alike_and_cost_at_most_15_megabytes():
    rows = [json.loads(row.text) for row in Fleet(bulk_records=10_000).backups(BULK_HISTORY_ID)]
    remarks = ("before the upgrade, ticket OPS-{}", "升级前的手动备份，工单 {}", "{}" + "长" * 120)
    for number, row in enumerate(rows):
        row["remark"] = remarks[number % 3].format(number)
        row["progress"] = f"{number % 9973 / 100:.2f}"
    pages = [
        _json({"backup_record_response": rows[start : start + 1000]}) for start in range(0, 10_000, 1000)
    ]
    tracemalloc.start()
    try:
        kept = [backup_page(body).records for body in pages]
        gc.collect()
        cost, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cost < 15_000_000
    assert kept == [field_by_field(body) for body in pages]
    for field in ("instance_id", "status", "type", "format", "error_code", "period"):
        words = [getattr(record, field) for records in kept for record in records]
        assert len(set(map(id, words))) == len(set(words)), "what repeats is kept once"


# Instances ---------------------------------------------------------------------------

INSTANCE = {
    "instance_id": "5560df16-cebf-4473-95c4-d1b573c16e79", "name": "Orders-Cache", "engine": "Redis",
    "engine_version": "6.0", "status": "RUNNING", "cache_mode": "HA", "capacity": 4,
    "created_at": "2024-01-02T03:04:05.678Z", "task": "", "publicip_id": {}, "ip": "10.0.0.1", "port": 6379,
    "access_user": "root",
}  # fmt: skip


def instance(**changes):
    return Instance.from_api(INSTANCE | changes)


SINGLE = ("redis.single.xu1.large.r2.1", "dcs.single_node", "dcs.memcached.single_node")
SPECS = dict.fromkeys(SINGLE, "single") | {"redis.ha.xu1.large.r2.4": "", "redis.singleton.xu1": "", None: ""}


@pytest.mark.parametrize(("spec_code", "mode"), SPECS.items())
def test_the_list_tells_a_single_node_by_what_was_bought(spec_code, mode):
    assert instance(cache_mode=None, spec_code=spec_code).cache_mode == mode


def test_an_instance_is_read_without_its_address_and_account():
    read = instance()
    assert (read.name, read.engine, read.engine_version) == ("Orders-Cache", "Redis", "6.0")
    assert (read.status, read.cache_mode, read.capacity_gb) == ("RUNNING", "ha", 4.0)
    assert read.created_at == at("2024-01-02T03:04:05.678")
    assert read.search_text == "orders-cache\n5560df16-cebf-4473-95c4-d1b573c16e79"
    for hidden in ("10.0.0.1", "6379", "root"):
        assert hidden not in repr(read)


TASKS = [
    ({"name": None, "status": None}, ""), ({}, ""), (None, ""), ("resize", "resize"),
    ({"name": "resize", "status": "DONE"}, "resize DONE"), ({"status": "DONE"}, "DONE"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "read"), TASKS)
def test_a_task_is_read_by_its_name_and_status(task, read):
    assert instance(task=task).task == read


CAPACITIES = [
    (0, ".125", 0.125), ("0", "0.25", 0.25), (64, None, 64.0), ("64", {}, 64.0), (0, None, None),
    (None, ".5", 0.5), ("x", "y", None), ("nan", "inf", None), (-1, -1, None), (10**400, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("capacity", "minor", "gigabytes"), CAPACITIES)
def test_tiny_instances_have_their_capacity_in_a_second_field(capacity, minor, gigabytes):
    assert instance(capacity=capacity, capacity_minor=minor).capacity_gb == gigabytes


POLICY = {
    "backup_type": "auto",
    "save_days": 3,
    "periodical_backup_plan": {"backup_at": [1, 3, 7], "period_type": "weekly", "begin_at": "00:00-01:00"},
}


DAYS_AS_TEXT = {"backup_at": ["7", 1, 9, None, "x", 1], "begin_at": {}}
POLICIES = [
    ({"policy": POLICY}, BackupPolicy(True, 3, (1, 3, 7), "00:00-01:00")),
    (POLICY, BackupPolicy(True, 3, (1, 3, 7), "00:00-01:00")),
    ({"policy": {"backup_type": "manual"}}, BackupPolicy(False, None, (), "")),
    (POLICY | {"periodical_backup_plan": DAYS_AS_TEXT}, BackupPolicy(True, 3, (1, 7), "")),
    (POLICY | {"save_days": [], "periodical_backup_plan": 1}, BackupPolicy(True, None, (), "")),
]
NOT_SAID = [None, {}, "", [], "auto", 1, {"policy": {}}, {"policy": "x"}, {"save_days": 3}]


@pytest.mark.parametrize(("raw", "policy"), [*POLICIES, *((raw, None) for raw in NOT_SAID)])
def test_a_backup_policy_is_read_in_every_shape(raw, policy):
    assert instance(instance_backup_policy=raw).backup_policy == policy


ITS_FIELDS = st.sampled_from([*INSTANCE, "instance_backup_policy", "capacity_minor"])


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(ITS_FIELDS, JSON, max_size=5))
def test_whatever_an_instance_s_field_holds_no_instance_is_lost(changes):
    page = instance_page(_json({"instance_num": 2, "instances": [INSTANCE | changes, INSTANCE]}))
    assert len(page.records) == 2
    assert page.records[1] == instance()
    assert isinstance(page.records[0].key, str)


def test_one_instance_is_read_and_what_is_none_is_garbled():
    assert instance_answer(json.dumps(INSTANCE).encode()).records[0].name == "Orders-Cache"
    for body in (b"", b"null", b"[]", b"{}", b'{"status":"ok"}', b"<html>"):
        with pytest.raises(DcsAnswerGarbled):
            instance_answer(body)
