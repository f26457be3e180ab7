"""The backup policy as a plan: what is planned when, and what is not known of it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backups.dcs.records import Instance
from backups.services.insights.policy import Plan, plan_of, weekdays

from .api_records import utc

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WEEKLY = {"backup_at": [1, 3, 5], "period_type": "weekly", "begin_at": "03:00-04:00"}
ODD_DAYS = {"backup_at": [7, "2", 9], "begin_at": "24:00"}

POLICIES = [
    # instance_backup_policy, the plan
    (
        {"policy": {"backup_type": "auto", "save_days": 7, "periodical_backup_plan": WEEKLY}},
        Plan("automatic", (1, 3, 5), time(3), 7),
    ),
    (
        {"backup_type": "auto", "save_days": "3", "periodical_backup_plan": WEEKLY},
        Plan("automatic", (1, 3, 5), time(3), 3),
    ),
    ({"policy": {"backup_type": "auto", "save_days": 0}}, Plan("automatic")),
    ({"backup_type": "auto", "periodical_backup_plan": ODD_DAYS}, Plan("automatic", (2, 7))),
    ({"policy": {"backup_type": "manual", "save_days": 7, "periodical_backup_plan": WEEKLY}}, Plan("manual")),
    (None, Plan("none")),
    ({}, Plan("none")),
    ({"policy": {"save_days": 7}}, Plan("unreadable")),
    ("daily", Plan("unreadable")),
]


@pytest.mark.parametrize(("policy", "plan"), POLICIES)
def test_a_policy_is_read_as_a_plan(policy, plan):
    assert plan_of(Instance.from_api({"instance_id": "i", "instance_backup_policy": policy})) == plan


def test_the_plan_of_an_instance_that_could_not_be_asked_for_is_unknown():
    assert plan_of(None) == Plan("unknown")


MON_WED_FRI_AT_22 = Plan("automatic", (1, 3, 5), time(22), 7)
SHANGHAI = ZoneInfo("Asia/Shanghai")

PLANNED = [
    # plan, the zone of the day 2026-11-23 (a Monday), whether a backup is planned for that day
    (MON_WED_FRI_AT_22, UTC, True),
    # In Shanghai 22:00 UTC is 06:00 of the next day, so Monday there has no slot.
    (MON_WED_FRI_AT_22, SHANGHAI, False),
    (Plan("automatic", (7,), time(22)), SHANGHAI, True),
    (Plan("automatic", (1,)), UTC, True),
    (Plan("automatic", (2,)), UTC, False),
    # Without a time of day, Shanghai's Monday may or may not have the slot of Monday in UTC.
    (Plan("automatic", (1,)), SHANGHAI, None),
    (Plan("automatic", EVERY_DAY), SHANGHAI, True),
    (Plan("automatic", (3,)), SHANGHAI, False),
    (Plan("automatic", (), time(22)), UTC, None),
    (Plan("manual"), UTC, False),
    (Plan("unknown"), UTC, None),
]


@pytest.mark.parametrize(("plan", "zone", "planned"), PLANNED)
def test_whether_a_backup_is_planned_for_a_day(plan, zone, planned):
    start = datetime(2026, 11, 23, tzinfo=zone)

    assert plan.planned(start, start + timedelta(days=1)) is planned


def test_the_slots_of_a_plan_are_in_utc():
    slots = MON_WED_FRI_AT_22.slots(utc("11-20"), utc("11-26"))

    assert slots == tuple(utc(f"11-{day} 22:00") for day in (20, 23, 25))


@pytest.mark.parametrize(
    ("days", "interval"), [(EVERY_DAY, 1), ((1, 3, 5), 3), ((1,), 7), ((6, 7), 6), ((), None)]
)
def test_the_interval_is_the_longest_time_between_two_planned_backups(days, interval):
    assert Plan("automatic", days).interval == (interval and timedelta(days=interval))


def test_days_are_told_in_runs_of_three_or_more():
    told = [weekdays(days) for days in (EVERY_DAY, (6, 7), (1, 2, 3, 5, 6), ())]

    assert told == ["Mon to Sun", "Sat, Sun", "Mon to Wed, Fri, Sat", ""]
