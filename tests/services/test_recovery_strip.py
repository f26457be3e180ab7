"""The strip of time shows backups in their order, and one in doubt across the asked time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from backups.services.recovery.strip import ANSWER, ASKED, NEWER, Mark, strip_marks

from .test_recovery import Fields, asked, backup, failed

A = backup("a", -600, -600, -590)


def marks_of(*records: Fields) -> list[Mark]:
    return strip_marks(asked([A, *records], 0))


def test_the_scale_is_even_between_the_answer_and_the_asked_time() -> None:
    [mark] = marks_of(failed("f", -300))

    assert mark.x == mark.end == (ANSWER + ASKED) / 2


def test_without_an_answer_there_is_nothing_to_mark() -> None:
    assert strip_marks(asked([failed("f", -5)], 0)) == []


def test_one_that_ran_across_the_asked_time_lies_across_it() -> None:
    for end in (0.1, 10_000):
        [mark] = marks_of(backup("s", -0.1, -0.1, end), backup("n", 200, 200, 210))

        assert mark.x < ASKED < mark.end <= 100
        assert mark.look == "doubt"


def test_marks_look_like_what_became_of_their_backups() -> None:
    gone = [failed(status, -5 - n, status=status) for n, status in enumerate(("expired", "waiting"))]

    marks = marks_of(failed("f", -4), *gone, backup("r", -9, -9, -8, is_support_restore="FALSE"))

    assert [mark.look for mark in marks] == ["failed", "gone", "running", "unfit"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-59, -1), st.integers(-59, 90), st.booleans()), max_size=50),
    st.integers(0, 500),
)
def test_marks_keep_their_order_and_stay_within_the_strip(
    passed: list[tuple[int, int, bool]], newer: int
) -> None:
    records = [backup("n", newer, newer, newer + 1)]
    for number, (start, end, fails) in enumerate(passed):
        changes = {"status": "failed"} if fails else {"is_support_restore": "FALSE"}
        straddles = not fails and end > 0
        records.append(backup(f"p{number}", start, start, end, **({} if straddles else changes)))

    marks = marks_of(*records)

    sure = [mark.x for mark in marks if mark.look != "doubt"]
    assert sure == sorted(sure, reverse=True)
    assert all(ANSWER <= mark.x <= ASKED and mark.x <= mark.end <= min(100, NEWER + 5) for mark in marks)
