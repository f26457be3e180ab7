"""When a list is due, and how fast DCS may be asked: rules alone, without a clock of their own."""

from datetime import datetime, time

import pytest

from backups.services.collector.due import Urgency, due_after_failure, due_after_reading
from backups.services.collector.key import Budget
from backups.services.insights import Plan
from backups.services.problems import Problem

NIGHTLY = Plan("automatic", days=(1, 2, 3, 4, 5, 6, 7), begins=time(2, 0))
MONDAYS = Plan("automatic", days=(1,), begins=time(2, 0))
NO_TIME = Plan("automatic", days=(1, 2, 3, 4, 5, 6, 7))
BY_HAND = Plan("manual")
MIDNIGHT = Plan("automatic", days=(3,), begins=time(0, 0))


def at(text):
    """A time of a Tuesday, None where there is none."""
    return datetime.fromisoformat(f"2026-11-24T{text}+00:00") if text else None


@pytest.mark.parametrize(
    ("plan", "read", "running", "newest", "due", "urgency"),
    [
        (BY_HAND, "12:00", False, "02:01", "13:00", Urgency.IDLE),
        (Plan("unknown"), "12:00", False, None, "13:00", Urgency.IDLE),
        (BY_HAND, "12:00", True, "11:59", "12:03", Urgency.RUNNING),
        (NIGHTLY, "02:05", True, "02:01", "02:08", Urgency.RUNNING),
        # Before the planned run, the list is read once more in an hour, and then after the slot.
        (NIGHTLY, "00:30", False, "00:10", "01:30", Urgency.IDLE),
        (NIGHTLY, "01:30", False, "00:10", "02:10", Urgency.PLANNED),
        # Between the slot and ten minutes later it is not looked for yet.
        (NIGHTLY, "02:00", False, "00:10", "02:10", Urgency.PLANNED),
        (NIGHTLY, "02:05", False, "00:10", "02:10", Urgency.PLANNED),
        # It has not come: every ten minutes.
        (NIGHTLY, "02:10", False, "00:10", "02:20", Urgency.PLANNED),
        (NIGHTLY, "03:17", False, "00:10", "03:27", Urgency.PLANNED),
        (NIGHTLY, "02:10", False, None, "02:20", Urgency.PLANNED),
        # It has come, and ended, however that was.
        (NIGHTLY, "02:10", False, "02:00", "03:10", Urgency.IDLE),
        # One that does not come is not waited for all day.
        (NIGHTLY, "06:30", False, "00:10", "07:30", Urgency.IDLE),
        (MONDAYS, "02:10", False, "00:10", "03:10", Urgency.IDLE),
        (NO_TIME, "02:10", False, "00:10", "03:10", Urgency.IDLE),
        # That of the next day is looked for after midnight.
        (MIDNIGHT, "23:30", False, None, "00:10", Urgency.PLANNED),
    ],
)
def test_a_list_is_due_by_what_runs_what_is_planned_and_else_by_the_hour(
    plan, read, running, newest, due, urgency
):
    due_at, what_for = due_after_reading(at(read), plan, at(newest), is_running=running)

    assert (f"{due_at:%H:%M}", what_for) == (due, urgency)


@pytest.mark.parametrize(
    ("kind", "retry", "due"),
    [
        ("server_error", None, "24 12:05"),
        ("throttled", "12:00:30", "24 12:05"),
        ("throttled", "12:08", "24 12:08"),
        ("access_denied", None, "24 13:00"),
        ("not_found", "12:00:04", "24 13:00"),
        ("unsupported", None, "25 12:00"),
    ],
)
def test_a_list_that_failed_is_tried_again_and_not_before_dcs_wants_that(kind, retry, due):
    problem = Problem(kind, retry_at=at(retry))

    assert f"{due_after_failure(problem, at('12:00')):%d %H:%M}" == due


# How fast ----------------------------------------------------------------------------


def calls_in(seconds, budget, *, since=0):
    """How many calls are made in that time by one who looks ten times a second."""
    made = 0
    for tenth in range(seconds * 10):
        while budget.may_call(since + tenth / 10):
            budget.spend(1, since + tenth / 10)
            made += 1
    return made


@pytest.mark.parametrize(("rate", "calls"), [(5, 500), (0.5, 50), (0.02, 2)])
def test_calls_keep_to_their_rate_and_a_pause_is_not_made_up_for(rate, calls):
    budget = Budget(rate, 0)

    assert calls_in(100, budget) == pytest.approx(calls, abs=1 + rate)
    assert calls_in(100, budget, since=10_000) == pytest.approx(calls, abs=1 + rate)


def test_a_list_of_many_pages_is_paid_for_afterwards():
    budget = Budget(5, 0)
    budget.spend(50, 0)

    assert calls_in(9, budget) == 0
    assert calls_in(10, budget, since=9) == pytest.approx(50, abs=5)


def test_a_throttled_budget_is_halved_once_for_those_under_way_together_and_recovers_in_ten_minutes():
    budget = Budget(8, 0)

    budget.halve(100)
    budget.halve(101)
    assert budget.rate(101) == pytest.approx(4, abs=0.1)
    budget.halve(110)
    assert budget.rate(110) == pytest.approx(2, abs=0.1)
    assert budget.rate(110 + 300) == pytest.approx(6, abs=0.1)
    assert budget.rate(110 + 600) == 8


def test_however_often_it_is_throttled_a_call_is_made_now_and_then():
    budget = Budget(5, 0)
    for number in range(100):
        budget.halve(number * 5)

    assert 0 < calls_in(60, budget, since=500) < 60
