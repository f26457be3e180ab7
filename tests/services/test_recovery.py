"""The recovery point is the newest usable backup whose data is certainly from before a time."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.records import BackupRecord
from backups.services.recovery import recovery_point
from backups.services.recovery.strip import BROKEN_WIDTH, LEFT, RIGHT, strip_of
from backups.services.words.codes import DOUBT_WORDS, REASON_WORDS

from .api_records import api_time, raw
from .tickets import a_listing

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=6)
FAILED = {"status": "failed", "is_support_restore": "FALSE"}


def minute(number):
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


def backup(name, created, start, end, **changes):
    """A usable backup with its three times in minutes after noon; None is a time that DCS does not tell."""
    times = {"created_at": created, "execution_at": start, "updated_at": end}
    told = {field: None if at is None else api_time(minute(at)) for field, at in times.items()}
    return raw(1, backup_id=name, **told | changes)


def failed(name, start, **changes):
    return backup(name, start, start, start + 5, **FAILED | changes)


def asked(records, at, *, read_at=NOW, now=NOW, complete=True):
    read = [BackupRecord.from_api(fields) for fields in records]
    return recovery_point(a_listing(*read, read_at=read_at, moved=not complete), minute(at), now=now)


# The table ---------------------------------------------------------------------------


def case(claim, records, at, expected, **options):
    """Records and a time in minutes after noon; the answer and the minutes lost, and what is around it."""
    return pytest.param(records, at, expected, options, id=claim)


A = backup("a", -600, -600, -590)
B = backup("b", -300, -300, -290)
C = backup("c", 60, 60, 70)

CASES = [
    case("the newest of those before is taken", [A, B, C], 0, "b 300; older a; newer c"),
    # T against the start and the end of one backup
    case("one that runs across T straddles it", [A, B], -295, "a 305; passed b straddles"),
    case("T at its start: its data is not from before", [A, B], -300, "a 300; newer b"),
    case("T at its end: it did not run across T", [A, B], -290, "b 10; older a"),
    case("T a moment before its end: it did", [A, B], -290 - 1 / 60_000, "a 310; passed b straddles"),
    case("an instant backup at T", [backup("z", 0, 0, 0)], 0, "none; newer z; before_first"),
    # A start that DCS does not tell
    case(
        "no start: what is lost counts from the creation",
        [backup("c", -60, None, -40)],
        0,
        "c 60; start_unknown",
    ),
    case(
        "no start, ended after T: it straddles T",
        [A, backup("c", -60, None, 1)],
        0,
        "a 600; passed c straddles",
    ),
    case(
        "no start, ended at T: it may have begun at T",
        [A, backup("c", -60, None, 0)],
        0,
        "a 600; passed c start_unknown",
    ),
    # An end that DCS does not tell
    case(
        "no end, but it was in a list read before T",
        [backup("c", -60, -60, None)],
        0,
        "c 60; read_before",
        read_at=minute(-1),
    ),
    case(
        "no end: it may have run across T", [A, backup("c", -60, -60, None)], 0, "a 600; passed c end_unknown"
    ),
    # Times that contradict each other
    case(
        "times contradict, all before T: the earliest",
        [backup("c", -2000, -560, -1990)],
        0,
        "c 2000; times_contradict",
    ),
    case(
        "times contradict, one after T",
        [A, backup("c", -500, 500, -490)],
        0,
        "a 600; passed c times_contradict",
    ),
    # Nearer ones that cannot be had
    case(
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
        "b 300; passed w waiting; passed p in_progress; passed f failed; passed n did_not_run; "
        "passed e expired; passed x expired contradiction; passed d deleted; passed r dcs_says_no; "
        "passed u dcs_does_not_say; passed o unknown_status",
    ),
    # None
    case("no backups at all", [], 0, "none; no_backups"),
    case("T before the first record", [A, B], -601, "none; newer a; before_first"),
    case(
        "only a failed one before T", [failed("f", -50), C], 0, "none; newer c; passed f failed; none_usable"
    ),
    case("only one that straddles T", [backup("c", -1, -1, 1)], 0, "none; passed c straddles; none_certain"),
    # Times now
    case("T in the future: lost is until now", [B, C], 400, "c 300; older b; future"),
    case(
        "a backup from the future is not before now", [B, backup("c", 400, 400, 410)], 360, "b 660; newer c"
    ),
    case("a list read before T may lack a newer one", [B], 0, "b 300; read_before", read_at=minute(-1)),
    case("a list read at T lacks none that had ended", [B], 0, "b 300", read_at=minute(0)),
    # Equal timestamps
    case(
        "two at a time: the one that had ended",
        [backup("k1", -60, -60, -50), backup("k2", -60, -60, 5)],
        0,
        "k1 60; passed k2 straddles",
    ),
    # What is not known
    case("an incomplete list may lack a newer one", [B], 0, "b 300; list_incomplete", complete=False),
    case(
        "an incomplete list is no proof of none", [], 0, "none; list_incomplete; no_backups", complete=False
    ),
    case(
        "usable without a time: never picked",
        [B, backup("t", None, None, -50, created_at="yesterday")],
        0,
        "b 300; timeless",
    ),
    case("no backup has a readable time", [backup("t", None, None, None)], 0, "none; timeless; no_times"),
    case("failed without a time: no doubt", [B, backup("t", None, None, None, **FAILED)], 0, "b 300"),
]


@pytest.mark.parametrize(("records", "at", "expected", "options"), CASES)
def test_the_answer(records, at, expected, options):
    assert summary(asked(records, at, **options)) == expected.split("; ")


def summary(found):
    answer = f"{found.answer.record.backup_id} {lost_minutes(found)}" if found.answer else "none"
    around = {"older": found.older, "newer": found.newer}
    return [
        answer,
        *(f"{place} {one.record.backup_id}" for place, one in around.items() if one),
        *(f"passed {one.record.backup_id} {' '.join(one.reasons)}" for one in found.passed_over),
        *found.uncertain,
        *filter(None, [found.because]),
    ]


def lost_minutes(found):
    return -(-found.lost(found.answer) // timedelta(minutes=1)) if found.answer else None


def test_records_without_a_time_are_named():
    found = asked([backup("t2", None, None, None), B, backup("t1", None, None, -5)], 0)

    assert [record.backup_id for record in found.timeless] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("at", "lost", "overwritten"), [(0, 300, 660), (60 * 24, 660, 660), (-600 + 11, 11, 960)]
)
def test_lost_is_what_was_written_until_the_asked_time_and_overwritten_what_was_until_now(
    at, lost, overwritten
):
    found = asked([A, B], at)

    assert found.answer
    assert found.lost(found.answer) == timedelta(minutes=lost)
    assert found.overwritten(found.answer) == timedelta(minutes=overwritten)


@pytest.mark.parametrize(
    ("records", "running"),
    [
        ([A, backup("c", -1, -0.5, 1)], "c"),
        ([A, backup("c", -5, -5, 1), backup("d", -1, -1, 1)], "d"),
        ([backup("c", -1, -1, 1)], "c"),
        ([A, failed("c", -1)], ""),
        ([A, backup("c", -1, None, 1)], ""),  # nobody knows when it began
        ([A, backup("c", -1, -1, None)], ""),  # nor whether this one was still running
    ],
)
def test_the_nearest_usable_one_that_was_still_running_is_told_apart(records, running):
    found = asked(records, 0)

    assert (found.still_running.record.backup_id if found.still_running else "") == running


def test_every_reason_has_words():
    expected = "; ".join(case.values[2] for case in CASES)
    reasons = {code for codes in re.findall(r"passed \w+ ([^;]+)", expected) for code in codes.split()}

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
        "is_support_restore": st.sampled_from(["TRUE", "TRUE", "TRUE", "FALSE", None]),
    }
)
histories = st.lists(told, max_size=9)


def courses(one, read_at):
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


def oracle(history, at, read_at):
    timed = [
        (number, one) for number, one in enumerate(history) if (one["created"], one["start"]) != (None, None)
    ]
    possible = {number: courses(one, read_at) for number, one in timed}
    from_ = {number: min(begins for begins, _ in possible[number]) for number, _ in timed}
    usable = [n for n, one in timed if one["status"] == "succeed" and one["is_support_restore"] == "TRUE"]
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


@settings(max_examples=100, deadline=None)
@given(histories, st.sampled_from(GRID), st.sampled_from(GRID))
def test_the_answer_equals_that_of_a_brute_force_oracle(history, at, read_at):
    records = [backup(str(number), **one) for number, one in reversed([*enumerate(history)])]

    found = asked(records, at, read_at=minute(read_at))

    ids = [one and int(one.record.backup_id) for one in (found.answer, found.older, found.newer)]
    nearer = [int(over.record.backup_id) for over in found.passed_over]
    assert (ids[0], lost_minutes(found), ids[1], ids[2], nearer) == oracle(history, at, read_at)


# The strip of time: to scale, or it shows where it is not, with room for its labels -----------


def strip(*records, at=0):
    found = strip_of(asked([A, *records], at))
    assert found
    return found


def test_the_scale_is_even_between_the_answer_and_the_asked_time():
    found = strip(failed("f", -300))

    [mark] = found.marks
    assert mark.x == mark.end
    assert mark.x == pytest.approx((found.places["answer"] + found.places["asked"]) / 2, abs=0.01)


def test_pieces_of_about_one_length_have_one_scale():
    found = strip(backup("o", -1000, -1000, -990), backup("n", 350, 350, 360))  # 400, 600, 350 and 10 minutes

    widths = [after - before for before, after in pairwise(found.places.values())]
    assert list(found.places) == ["older", "answer", "asked", "newer", "now"]
    assert widths[0] / 400 == pytest.approx(widths[1] / 600, rel=0.01)
    assert widths[2] / 350 == pytest.approx(widths[1] / 600, rel=0.01)
    assert found.breaks == (pytest.approx(RIGHT - BROKEN_WIDTH / 2, abs=0.01),)


def test_a_time_just_now_is_now():
    assert "now" not in strip(at=359.5).places


def test_a_time_that_is_yet_to_come_is_after_now():
    places = strip(at=3000).places

    assert places["answer"] < places["now"] < places["asked"]


def test_without_an_answer_there_is_nothing_to_show():
    assert strip_of(asked([failed("f", -5)], 0)) is None


def test_one_that_ran_across_the_asked_time_lies_across_it():
    for end in (0.1, 10_000):
        found = strip(backup("s", -0.1, -0.1, end), backup("n", 200, 200, 210))

        [mark] = found.marks
        assert mark.x < found.places["asked"] < mark.end <= 100
        assert mark.look == "doubt"


def test_marks_look_like_what_became_of_their_backups():
    gone = [failed(status, -5 - n, status=status) for n, status in enumerate(("expired", "waiting"))]

    found = strip(failed("f", -4), *gone, backup("r", -9, -9, -8, is_support_restore="FALSE"))

    assert [mark.look for mark in found.marks] == ["failed", "gone", "running", "unfit"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-59, -1), st.integers(-59, 90), st.booleans()), max_size=50),
    st.integers(0, 500),
    st.integers(-3000, -600),
)
def test_all_keeps_its_order_and_stays_within_the_strip(passed, newer, older):
    records = [backup("n", newer, newer, newer + 1), backup("A", older, older, older)]
    for number, (start, end, fails) in enumerate(passed):
        changes = {"status": "failed"} if fails else {"is_support_restore": "FALSE"}
        straddles = not fails and end > 0
        records.append(backup(f"p{number}", start, start, end, **({} if straddles else changes)))

    found = strip(*records)

    places = list(found.places.values())
    assert places == sorted(places)
    assert (places[0], places[-1]) == (LEFT, pytest.approx(RIGHT, abs=0.01))
    sure = [mark.x for mark in found.marks if mark.look != "doubt"]
    assert sure == sorted(sure, reverse=True)
    within = found.places["answer"], found.places["asked"]
    assert all(within[0] <= mark.x <= within[1] and mark.x <= mark.end <= 100 for mark in found.marks)
