"""The recovery point is the newest usable backup whose data is certainly from before a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.records import BackupRecord
from backups.services.recovery.point import RecoveryPoint, ladder, recovery_point
from backups.services.words.codes import DOUBT_WORDS, REASON_WORDS

from .api_records import api_time, raw

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=6)
Fields = dict[str, Any]


def minute(number: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


def backup(
    name: str, created: float | None, start: float | None, end: float | None, **changes: Any
) -> Fields:
    """A usable backup with its three times in minutes after noon; None is a time that DCS does not tell."""
    times = {"created_at": created, "execution_at": start, "updated_at": end}
    told = {field: None if at is None else api_time(minute(at)) for field, at in times.items()}
    return raw(1, backup_id=name, **told | changes)


def failed(name: str, start: float, **changes: Any) -> Fields:
    return backup(
        name, start, start, start + 5, **{"status": "failed", "is_support_restore": "FALSE"} | changes
    )


def asked(
    records: list[Fields],
    at: float,
    *,
    read_at: datetime = NOW,
    now: datetime = NOW,
    complete: bool = True,
) -> RecoveryPoint:
    read = [BackupRecord.from_api(fields) for fields in records]
    return recovery_point(ladder(read), minute(at), now=now, read_at=read_at, complete=complete)


# The table ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Records and a time in minutes after noon; what is answered, and why the nearer ones are not."""

    claim: str
    records: list[Fields]
    at: float
    answer: str | None
    lost: int | None = None
    older: str | None = None
    newer: str | None = None
    passed: list[tuple[str, str]] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    because: str = ""
    options: Fields = field(default_factory=dict)


A = backup("a", -600, -600, -590)
B = backup("b", -300, -300, -290)
C = backup("c", 60, 60, 70)

CASES = [
    Case("the newest of those before is taken", [A, B, C], 0, "b", 300, older="a", newer="c"),
    Case("the order of the list does not matter", [C, A, B], 0, "b", 300, older="a", newer="c"),
    # T against the start and the end of one backup
    Case("one that runs across T straddles it", [A, B], -295, "a", 305, passed=[("b", "straddles")]),
    Case("T at its start: its data is not from before", [A, B], -300, "a", 300, newer="b"),
    Case("T at its end: it did not run across T", [A, B], -290, "b", 10, older="a"),
    Case(
        "T a moment before its end: it did",
        [A, B],
        -290 - 1 / 60_000,
        "a",
        310,
        passed=[("b", "straddles")],
    ),
    Case("T a moment after its start", [A, B], -300 + 1 / 60_000, "a", 301, passed=[("b", "straddles")]),
    Case("an instant backup before T", [backup("z", -1, -1, -1)], 0, "z", 1),
    Case("an instant backup at T", [backup("z", 0, 0, 0)], 0, None, newer="z", because="before_first"),
    # A start that DCS does not tell
    Case(
        "without a start, what is lost is reckoned from the creation",
        [backup("c", -60, None, -40)],
        0,
        "c",
        60,
        uncertain=["start_unknown"],
    ),
    Case(
        "without a start, a backup that ended after T straddles it",
        [A, backup("c", -60, None, 1)],
        0,
        "a",
        600,
        passed=[("c", "straddles")],
    ),
    Case(
        "without a start, one that ended at T may have begun at T",
        [A, backup("c", -60, None, 0)],
        0,
        "a",
        600,
        passed=[("c", "start_unknown")],
    ),
    Case("a start without a creation is a start", [backup("c", None, -60, -40)], 0, "c", 60),
    Case("created long before it started: the start counts", [backup("c", -900, -60, -40)], 0, "c", 60),
    Case(
        "created before T, started after it",
        [A, backup("c", -900, 60, 70)],
        0,
        "a",
        600,
        newer="c",
    ),
    # An end that DCS does not tell
    Case(
        "without an end, it had ended when the list was read: before T",
        [backup("c", -60, -60, None)],
        0,
        "c",
        60,
        uncertain=["read_before"],
        options={"read_at": minute(-1)},
    ),
    Case(
        "without an end, nobody knows whether it ran across T",
        [A, backup("c", -60, -60, None)],
        0,
        "a",
        600,
        passed=[("c", "end_unknown")],
    ),
    Case(
        "an end that cannot be read is no end",
        [A, backup("c", -60, -60, None, updated_at="0000-00-00 00:00:00")],
        0,
        "a",
        600,
        passed=[("c", "end_unknown")],
    ),
    Case(
        "with its creation alone, the same",
        [A, backup("c", -60, None, None)],
        0,
        "a",
        600,
        passed=[("c", "end_unknown")],
    ),
    # Times that contradict each other
    Case(
        "execution_at after updated_at: all of them are before T, the earliest counts",
        [backup("c", -2000, -560, -1990)],
        0,
        "c",
        2000,
        uncertain=["times_contradict"],
    ),
    Case(
        "execution_at after updated_at: one of them is after T",
        [A, backup("c", -500, 500, -490)],
        0,
        "a",
        600,
        passed=[("c", "times_contradict")],
    ),
    Case(
        "created after it started",
        [backup("c", -10, -20, -5)],
        0,
        "c",
        20,
        uncertain=["times_contradict"],
    ),
    Case(
        "execution_at a day after updated_at, both from after T",
        [A, backup("c", 5, 1445, 6)],
        0,
        "a",
        600,
        newer="c",
    ),
    # Nearer ones that cannot be had
    Case(
        "each nearer one is named with its reason, the nearest first",
        [
            B,
            failed("f", -50),
            failed("n", -55, error_code="dcs.08.0008"),
            backup("e", -100, -100, -90, status="expired", is_support_restore="FALSE"),
            backup("x", -110, -110, -100, status="expired"),
            backup("d", -120, -120, -110, status="deleted", is_support_restore="FALSE"),
            backup("r", -130, -130, -120, is_support_restore="FALSE"),
            backup("u", -140, -140, -130, is_support_restore="maybe"),
            backup("o", -150, -150, -140, status="archived"),
            backup("w", -2, None, None, status="waiting", is_support_restore="FALSE"),
            backup("p", -3, -3, None, status="backuping", is_support_restore="FALSE"),
        ],
        0,
        "b",
        300,
        passed=[
            ("w", "waiting"),
            ("p", "in_progress"),
            ("f", "failed"),
            ("n", "did_not_run"),
            ("e", "expired"),
            ("x", "expired contradiction"),
            ("d", "deleted"),
            ("r", "dcs_says_no"),
            ("u", "dcs_does_not_say"),
            ("o", "unknown_status"),
        ],
    ),
    Case(
        "what cannot be had does not count as older or newer, and one behind the answer not at all",
        [failed("f", -700), A, failed("g", -400), B, failed("h", 30), C],
        0,
        "b",
        300,
        older="a",
        newer="c",
    ),
    Case(
        "older is certainly from before T as well",
        [A, backup("c", -320, -320, 5), B],
        0,
        "b",
        300,
        older="a",
    ),
    # None
    Case("no backups at all", [], 0, None, because="no_backups"),
    Case("T before the first record", [A, B], -601, None, newer="a", because="before_first"),
    Case(
        "only failed ones before T",
        [failed("f", -50), C],
        0,
        None,
        newer="c",
        passed=[("f", "failed")],
        because="none_usable",
    ),
    Case(
        "only one that straddles T",
        [backup("c", -1, -1, 1)],
        0,
        None,
        passed=[("c", "straddles")],
        because="none_certain",
    ),
    # Times now
    Case("T in the future", [B, C], 400, "c", 340, older="b", uncertain=["future"]),
    Case(
        "a backup from the future is none before now",
        [B, backup("c", 400, 400, 410)],
        360,
        "b",
        660,
        newer="c",
    ),
    Case(
        "a list read before T may lack a newer one",
        [B],
        0,
        "b",
        300,
        uncertain=["read_before"],
        options={"read_at": minute(-1)},
    ),
    Case("a list read at T lacks none that had ended", [B], 0, "b", 300, options={"read_at": minute(0)}),
    # Equal timestamps
    Case(
        "of two at the same time the greater id is taken, the other is the next older",
        [backup("k2", -60, -60, -50), backup("k1", -60, -60, -50)],
        0,
        "k2",
        60,
        older="k1",
    ),
    Case(
        "of two at the same time the one that had ended is taken",
        [backup("k1", -60, -60, -50), backup("k2", -60, -60, 5)],
        0,
        "k1",
        60,
        passed=[("k2", "straddles")],
    ),
    # What is not known
    Case(
        "an incomplete list may lack a newer one",
        [B],
        0,
        "b",
        300,
        uncertain=["list_incomplete"],
        options={"complete": False},
    ),
    Case(
        "an incomplete list cannot say that there is none",
        [],
        0,
        None,
        uncertain=["list_incomplete"],
        because="no_backups",
        options={"complete": False},
    ),
    Case(
        "a usable backup without a readable time is named and never picked",
        [B, backup("t", None, None, -50, created_at="yesterday")],
        0,
        "b",
        300,
        uncertain=["timeless"],
    ),
    Case(
        "no backup has a readable time",
        [backup("t", None, None, None)],
        0,
        None,
        uncertain=["timeless"],
        because="no_times",
    ),
    Case(
        "a failed one without a readable time takes nothing from the answer",
        [B, backup("t", None, None, None, status="failed", is_support_restore="FALSE")],
        0,
        "b",
        300,
    ),
    # Minutes are rounded up
    Case("less than a minute is a minute", [backup("c", -0.5, -0.5, -0.25)], 0, "c", 1),
    Case("a minute and a bit are two", [backup("c", -1.1, -1.1, -1)], 0, "c", 2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_the_answer(case: Case) -> None:
    found = asked(case.records, case.at, **case.options)

    assert shown(found) == (
        case.answer,
        case.lost,
        case.older,
        case.newer,
        case.passed,
        case.uncertain,
        case.because,
    )


def shown(found: RecoveryPoint) -> tuple[Any, ...]:
    ids = [one.record.backup_id if one else None for one in (found.answer, found.older, found.newer)]
    passed = [(over.record.backup_id, " ".join(over.reasons)) for over in found.passed_over]
    return ids[0], found.gap_minutes, ids[1], ids[2], passed, list(found.uncertain), found.because


def test_records_without_a_time_are_named() -> None:
    found = asked([backup("t2", None, None, None), B, backup("t1", None, None, -5)], 0)

    assert [record.backup_id for record in found.timeless] == ["t1", "t2"]


def test_the_age_is_that_of_the_data() -> None:
    found = asked([A, B], 0)

    assert (found.gap, found.age) == (timedelta(hours=5), timedelta(hours=11))


def test_every_reason_has_words() -> None:
    reasons = {reason for case in CASES for _, codes in case.passed for reason in codes.split()}

    assert reasons - set(REASON_WORDS) == set(DOUBT_WORDS)


# The oracle ---------------------------------------------------------------------------
#
# Every course of events that fits what DCS tells, on a grid of minutes: a backup is certainly from
# before T where it is in all of them.

GRID = range(-5, 6)
times = st.none() | st.sampled_from(GRID)
states = st.sampled_from(["succeed", "succeed", "succeed", "failed", "expired", "waiting", "archived"])
told = st.fixed_dictionaries(
    {
        "created": times,
        "start": times,
        "end": times,
        "status": states,
        "restorable": st.sampled_from(["TRUE", "TRUE", "TRUE", "FALSE", None]),
    }
)
histories = st.lists(told, max_size=9)


def courses(one: Fields, read_at: int) -> list[tuple[int, int]]:
    """All pairs of start and end, in minutes, that fit what is told of a backup that succeeded."""
    created, start, end = one["created"], one["start"], one["end"]
    latest = max([read_at, *(time for time in (created, start) if time is not None)])
    fitting = [
        (begins, ends)
        for begins in GRID
        for ends in range(GRID[0], max(latest, GRID[-1]) + 1)
        if begins <= ends
        and (start is None or begins == start)
        and (created is None or created <= begins)
        and (ends == end if end is not None else ends <= latest)
    ]
    # Where nothing fits, any of the times may be the true one.
    moments = [time for time in (created, start, end) if time is not None]
    return fitting or [(time, time if end is not None else latest) for time in moments]


def oracle(history: list[Fields], at: int, read_at: int) -> tuple[Any, ...]:
    timed = [
        (number, one) for number, one in enumerate(history) if (one["created"], one["start"]) != (None, None)
    ]
    possible = {number: courses(one, read_at) for number, one in timed}
    from_ = {number: min(begins for begins, _ in possible[number]) for number, _ in timed}
    usable = [n for n, one in timed if one["status"] == "succeed" and one["restorable"] == "TRUE"]
    certain = [n for n in usable if all(begins < at and ends <= at for begins, ends in possible[n])]
    best = sorted(certain, key=lambda n: (from_[n], n), reverse=True)
    newer = [n for n in usable if from_[n] >= at]
    nearer = [
        n for n, _ in timed if from_[n] < at and (not best or (from_[n], n) > (from_[best[0]], best[0]))
    ]
    return (
        best[0] if best else None,
        at - from_[best[0]] if best else None,
        best[1] if len(best) > 1 else None,
        min(newer, key=lambda n: (from_[n], n), default=None),
        sorted(nearer, key=lambda n: (from_[n], n), reverse=True),
    )


@settings(max_examples=300, deadline=None)
@given(histories, st.sampled_from(GRID), st.sampled_from(GRID))
def test_the_answer_equals_that_of_a_brute_force_oracle(history: list[Fields], at: int, read_at: int) -> None:
    records = [
        backup(
            str(number),
            one["created"],
            one["start"],
            one["end"],
            status=one["status"],
            is_support_restore=one["restorable"],
        )
        for number, one in reversed([*enumerate(history)])
    ]

    found = asked(records, at, read_at=minute(read_at))

    ids = [one and int(one.record.backup_id) for one in (found.answer, found.older, found.newer)]
    nearer = [int(over.record.backup_id) for over in found.passed_over]
    assert (ids[0], found.gap_minutes, ids[1], ids[2], nearer) == oracle(history, at, read_at)
