"""A history's rows, counts and order equal what plain Python makes of the same records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.services.history.filters import FILTERS
from backups.services.history.query import BackupFilter, backup_history, newest_first

from .api_records import raw

NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, UTC)
STATUSES = ["waiting", "backuping", "succeed", "failed", "expired", "deleted"]
MEANINGS = {
    "dcs.08.0002": ("The backup timed out.", "执行超时。"),
    "dcs.08.0008": (
        "The automatic backup did not run: the instance was busy with another task.",
        "自动备份任务未运行，实例正在运行其他任务。",
    ),
}
REASONS = {
    "dcs_says_no": ("DCS says no, without a reason", "DCS 标记为不可恢复，但未说明原因"),
    "dcs_does_not_say": ("DCS does not say whether it can be restored", "DCS 未说明是否可恢复"),
    "contradiction": ("DCS still says that it can be restored", "DCS 仍标记为可恢复"),
    "unknown_status": ("the portal does not know its status", "本平台无法识别其状态"),
    "no_status": ("DCS reports no status", "DCS 未返回状态"),
}
HOURS = {"24h": 24, "3d": 72, "7d": 168, "30d": 720, "90d": 2160}

times = st.one_of(
    st.sampled_from([NOW - timedelta(hours=hours) for hours in (0, 1, 24, 25, 72, 100, 700, 2000, 9000)]),
    st.datetimes(datetime(2026, 8, 1), datetime(2026, 11, 24, 12), timezones=st.just(UTC)),
).map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z")
no_value = st.sampled_from([None, {}, "", "MISSING"])
odd_time = st.sampled_from(["yesterday", 1_762_000_000_000, "2026-11-09 08:31:16", "0000-00-00 00:00:00"])


def records_of_the_api():
    texts = [
        "backup_1",
        "Nightly",
        "nightly run",
        "Straße",
        "STRASSE",
        "订单缓存",
        "a\x00b",
        "100%",
        "=1+1",
        "n\nm",
    ]
    one = st.fixed_dictionaries(
        {
            "backup_id": st.uuids().map(str) | st.sampled_from(["ABC-1", "abc-1", "Zeta"]),
            "backup_name": st.sampled_from(texts) | no_value,
            "remark": st.sampled_from([*texts, 42, ["x"]]) | no_value,
            "status": st.sampled_from([*STATUSES, "archived", "SUCCEED"]) | no_value,
            "backup_type": st.sampled_from(["manual", "auto", "weekly"]) | no_value,
            "backup_format": st.sampled_from(["rdb", "RDB", "aof", "snapshot"]) | no_value,
            "is_support_restore": st.sampled_from(["TRUE", "FALSE", "true", True, False, "maybe"]) | no_value,
            "error_code": st.sampled_from(["dcs.08.0002", "DCS.08.0002", "dcs.08.0008", "oops"]) | no_value,
            "size": st.sampled_from([0, 1, 2, "2", -1, "1.5 GB", 10**12]) | no_value,
            "created_at": times | odd_time | no_value,
            "execution_at": times | odd_time | no_value,
            "updated_at": times | odd_time | no_value,
            "progress": st.sampled_from(["100.00", "abc", 50]) | no_value,
        }
    )
    return st.lists(one, max_size=25, unique_by=lambda fields: str(fields["backup_id"])).map(
        lambda found: [BackupRecord.from_api(raw(1, **fields)) for fields in found]
    )


def history_of(records, wanted, *, now=NOW):
    return backup_history(newest_first(records), wanted, now=now)


bounds = st.none() | st.sampled_from([NOW - timedelta(hours=hours) for hours in (0, 25, 100, 700)])
sorts = st.sampled_from(["started", "created", "finished", "duration", "size", "status", "type", "name"])


@st.composite
def filters(draw):
    ranged = draw(st.sampled_from(["", "", *HOURS]))
    words = st.sampled_from(
        ["nightly", "strasse", "订单", "dcs.08", "timed", "超时", "says", "标记", "backup", "%", "zzz"]
    )
    codes = ("dcs.08.0002", "dcs.08.0008", "dcs.08.0001")
    chosen = {
        one.name: tuple(draw(st.lists(st.sampled_from(one.values or codes), max_size=2, unique=True)))
        for one in FILTERS
        if one.name in ("status", "type", "format", "restorable", "error")
    }
    return BackupFilter(
        chosen={name: values for name, values in chosen.items() if values},
        words=tuple(draw(st.lists(words, max_size=2))),
        start=None if ranged else draw(bounds),
        end=None if ranged else draw(bounds),
        range=ranged,
        sort=draw(st.sampled_from(["", "-"])) + draw(sorts),
        page=draw(st.sampled_from([1, 2, 3, 10**9])),
        per_page=draw(st.sampled_from([1, 2, 7, 25, 200])),
    )


# What design says, in plain Python ---------------------------------------------------


def data_from(record):
    return record.execution_at if record.execution_at is not None else record.created_at


def is_wanted(record, wanted):
    def chosen(name, value, known):
        values = wanted.chosen.get(name, ())
        return not values or value in values or ("other" in values and value not in known)

    service_says = {True: "yes", False: "no", None: "unknown"}[record.restorable]
    if not (
        chosen("status", record.status, STATUSES)
        and chosen("type", record.type, ["manual", "auto"])
        and chosen("format", record.format, ["rdb", "aof"])
        and chosen("restorable", service_says, [service_says])
        and chosen("error", record.error_code, [record.error_code])
    ):
        return False
    for word in wanted.words:
        fields = (record.name, record.backup_id, record.description, record.error_code)
        meanings = [*MEANINGS.get(record.error_code, ())]
        for reason in eligibility(record).reasons:
            meanings += REASONS.get(reason, ())
        if not any(word in field.casefold() for field in (*fields, *meanings)):
            return False
    start, end = wanted.start, wanted.end
    if wanted.range:
        start = NOW.replace(microsecond=0) - timedelta(hours=HOURS[wanted.range])
    started = data_from(record)
    if (start or end) and started is None:
        return False
    return not ((start and started and started < start) or (end and started and started >= end))


def value_to_sort_by(record, field):
    ended = record.updated_at if record.status in ("succeed", "failed") else None
    started = data_from(record)
    took = ended - started if ended and started and ended >= started else None
    lifecycle = STATUSES.index(record.status) if record.status in STATUSES else 6
    return {
        "started": started,
        "created": record.created_at,
        "finished": ended,
        "duration": took,
        "size": record.size_bytes,
        "status": (lifecycle, record.status) if record.status else None,
        "type": record.type or None,
        "name": record.name.casefold() or None,
    }[field]


def in_order(records, sort):
    field, sign = sort.lstrip("-"), -1 if sort.startswith("-") else 1

    def compare(one, other):
        a, b = value_to_sort_by(one, field), value_to_sort_by(other, field)
        if a != b and (a is None or b is None):
            return 1 if a is None else -1
        if a != b:
            return sign * (1 if a > b else -1)
        return (one.backup_id > other.backup_id) - (one.backup_id < other.backup_id)

    return sorted(records, key=cmp_to_key(compare))


def ids(records):
    return [record.backup_id for record in records]


@given(records_of_the_api(), filters())
def test_a_history_holds_what_plain_python_finds_in_the_same_order(records, wanted):
    expected = in_order([record for record in records if is_wanted(record, wanted)], wanted.sort)

    history = history_of(records, wanted)
    turned = [history_of(records, replace(wanted, page=n + 1)) for n in range(history.pages)]

    assert ids(history.matches) == ids(expected)
    assert (history.total, history.matched) == (len(records), len(expected))
    assert [i for page in turned for i in ids(page.rows)] == ids(expected)
    assert all(page.rows or not expected for page in turned)


@given(records_of_the_api(), filters())
def test_a_chip_s_count_is_what_clicking_it_gives(records, wanted):
    for group in history_of(records, wanted).facets:
        for facet in group.facets:
            alone = replace(wanted, chosen={**wanted.chosen, group.name: (facet.value,)})
            assert facet.count == history_of(records, alone).matched, (group.name, facet)
            assert facet.chosen == (facet.value in wanted.chosen.get(group.name, ()))


def test_no_chip_offers_an_error_code_that_no_link_may_carry():
    codes = ["dcs.08.0002", "111400060", "<script>"]
    records = [BackupRecord.from_api(raw(n, error_code=code)) for n, code in enumerate(codes)]

    [errors] = [group for group in history_of(records, BackupFilter()).facets if group.name == "error"]

    assert [facet.value for facet in errors.facets] == ["dcs.08.0002"]


@pytest.mark.parametrize("words", [("no", "longer", "lists"), ("不再列出",)])
def test_what_is_no_longer_listed_is_found_by_these_words(words):
    listed, gone = (BackupRecord.from_api(raw(n, backup_name="a")) for n in (1, 2))
    gone = msgspec.structs.replace(gone, presence="unlisted")
    wanted = BackupFilter(words=words, chosen={"listed": ("yes", "no")})

    assert history_of([listed, gone], wanted).matches == [gone]
