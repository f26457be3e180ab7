"""The strip of time is to scale or shows where it is not, with room for its labels."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.services.recovery.strip import BROKEN_WIDTH, LEFT, RIGHT, strip_of

from .test_recovery import asked, backup, failed

A = backup("a", -600, -600, -590)


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
