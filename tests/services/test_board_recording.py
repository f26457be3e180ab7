"""What the board keeps of each reading: the verdict, since when it is so, and when it was another one."""

from contextlib import suppress
from datetime import timedelta

import pytest

from backups.dcs.records import Instance as InstanceRecord
from backups.dcs.walk import Walk
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.models import BackupFailure, Instance, InstanceSummary, VerdictChange
from backups.services import listings
from backups.services.board import recording
from backups.services.board.verdicts import DAYS, known_facts, short_days
from backups.services.insights import overview
from backups.services.listings import Subject, recorder

from .api_records import DCS_SAYS_NO, EXPIRED, FAILED, api_time, raw, utc
from .conftest import later, read, settled
from .readings import walk_of

NOON = utc("11-24 12:00")
FRESH = {"11-24 03:00": {}}


def read_list(project, at, backups):
    """Let the portal read these backups of orders-cache; the keys are their times."""
    sent = []
    for when, fields in backups.items():
        times = dict.fromkeys(("created_at", "execution_at", "updated_at"), api_time(utc(when)))
        sent.append(raw(backup_id=f"b-{when}".replace(" ", "-").replace(":", ""), **times, **fields))
    subject = Subject("backups", project, ORDERS_CACHE_ID)
    recorder.record(subject, walk_of(sent), read_at=at)


def read_instance(project, at, *, kind="instances", **fields):
    record = InstanceRecord.from_api({"instance_id": ORDERS_CACHE_ID, "status": "RUNNING", **fields})
    subject = Subject(kind, project, ORDERS_CACHE_ID if kind == "instance" else "")
    recorder.record(subject, Walk((), (record,), 1, False, False), read_at=at)


def changes():
    """When there was another verdict, and which."""
    found = VerdictChange.objects.order_by("at")
    return [f"{one.at:%H:%M} {one.before_reason or 'nothing'} -> {one.reason}" for one in found]


def row():
    return InstanceSummary.objects.get(instance__instance_id=ORDERS_CACHE_ID)


MISSED = "13:00 within_objective -> objective_missed"


@pytest.mark.parametrize(
    ("rpo", "readings", "told"),
    [
        # It is foreseen, a newer backup takes it back, and what came between two readings has its own time.
        (10, {"12:00": FRESH}, ["12:00 nothing -> within_objective", MISSED]),
        (10, {"12:00": FRESH, "12:30": {"11-24 12:10": {}}}, ["12:00 nothing -> within_objective"]),
        (
            10,
            {"12:00": FRESH, "13:40": FRESH, "14:20": {"11-24 14:00": {}}},
            ["12:00 nothing -> within_objective", MISSED, "14:20 objective_missed -> within_objective"],
        ),
        # Where the next reading comes too late nobody knew meanwhile.
        (
            None,
            {"12:00": FRESH, "18:00": FRESH},
            [
                "12:00 nothing -> no_objective",
                "14:10 no_objective -> read_too_long_ago",
                "18:00 read_too_long_ago -> no_objective",
            ],
        ),
        # One that is older than what is known changes nothing.
        (None, {"12:00": FRESH, "11:00": {"11-24 03:00": DCS_SAYS_NO}}, ["12:00 nothing -> no_objective"]),
    ],
)
def test_a_change_is_kept_with_the_time_from_which_it_holds(eu, portal, rpo, readings, told):
    portal.DCS_RPO = timedelta(hours=rpo) if rpo else None
    for at, backups in readings.items():
        read_list(eu, utc(f"11-24 {at}"), backups)

    assert changes() == told


def test_a_row_says_until_when_its_verdict_holds_and_a_change_since_when_a_bound_was_passed(eu, portal):
    portal.DCS_RPO = timedelta(hours=10)
    read_list(eu, NOON, FRESH)
    passing = row().holds_until
    read_list(eu, utc("11-24 13:40"), FRESH)
    read_list(eu, utc("11-24 14:20"), {**FRESH, "11-24 14:00": {}})

    assert passing == utc("11-24 13:00") + timedelta(microseconds=1)
    assert (row().verdict, row().holds_until, row().newest_at) == ("usable", None, utc("11-24 14:00"))
    since = list(VerdictChange.objects.order_by("at").values_list("since", flat=True))
    assert since == [None, utc("11-24 13:00"), utc("11-24 14:20")]


def test_what_the_instance_says_of_itself_is_judged_without_a_new_list(eu, portal):
    portal.DCS_RPO_TAG = "rpo"
    read_list(eu, NOON, FRESH)
    read_instance(eu, utc("11-24 12:05"), status="RESTARTING", name="orders-cache", engine="Redis")
    read_instance(eu, utc("11-24 12:10"), tags=[{"key": "rpo", "value": "8h"}])
    read_list(eu, utc("11-24 12:20"), FRESH)

    assert changes()[1:] == ["12:05 no_objective -> not_now", "12:10 not_now -> objective_missed"]
    assert (row().tags, row().since) == ("rpo=8h", utc("11-24 11:00"))


def test_a_list_that_says_the_same_is_not_looked_at_again_before_the_day_ends(eu, monkeypatch):
    looks = []
    monkeypatch.setattr(recording, "overview", lambda *a, **k: looks.append(k["now"]) or overview(*a, **k))
    evening = [utc("11-24 22:00") + timedelta(minutes=50 * n) for n in range(8)]  # the last one is at 03:50
    failing = {**FRESH, "11-24 14:30": FAILED}
    for at in (NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)):
        read_list(eu, at, FRESH)
    for at in (NOON + timedelta(hours=3), *evening):
        read_list(eu, at, failing)

    facts = known_facts(row().facts)
    assert (facts.read_at, facts.failures, row().read_at) == (evening[-1], 1, evening[-1])
    assert looks == [NOON, NOON + timedelta(hours=3), *evening[:1], *evening[3:]]
    assert changes()[1:] == [
        "17:10 no_objective -> read_too_long_ago",
        "22:00 read_too_long_ago -> no_objective",
    ]


def test_the_plan_decides_once_show_instance_tells_it(eu):
    plan = {"backup_at": [1, 2, 3, 4, 5, 6, 7], "begin_at": "03:00-04:00"}
    daily = {"backup_type": "auto", "save_days": 7, "periodical_backup_plan": plan}
    read_list(eu, NOON, {"11-22 03:00": {}})
    read_instance(eu, NOON, kind="instance", instance_backup_policy={"policy": daily})

    assert changes()[1:] == ["12:00 no_objective -> objective_missed"]


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize(
    ("status", "code", "reasons"),
    [
        (400, "DCS.4086", ["not_supported"]),
        (400, "DCS.4095", ["not_supported"]),
        (400, "DCS.4133", []),
        (404, "DCS.4022", []),
        (500, "DCS.5000", []),
    ],
)
def test_that_dcs_never_backs_an_instance_up_is_kept_also_before_its_project_is_read(
    eu, emulator, status, code, reasons, is_listed
):
    if is_listed:
        listings.project_instances(eu, now=later())
    emulator.fail_with(status, code=code, path_contains="/backups")
    with suppress(listings.NothingToShow):
        read(eu)
    settled()
    judged = InstanceSummary.objects.exclude(verdict="").values_list("reason", flat=True)
    before = list(judged)
    listings.project_instances(eu, now=later())
    settled()

    assert before == list(judged) == reasons
    assert Instance.objects.count() == 20


def test_what_failed_is_kept_when_its_record_has_gone(eu):
    read_list(eu, NOON, {**FRESH, "11-23 03:00": FAILED, "11-22 03:00": EXPIRED})
    read_list(eu, NOON + timedelta(hours=1), {**FRESH, "11-24 12:30": FAILED})

    kept = BackupFailure.objects.order_by("started_at").values_list("started_at", "error_code")
    assert list(kept) == [(utc("11-23 03:00"), "dcs.08.0002"), (utc("11-24 12:30"), "dcs.08.0002")]


def test_the_last_days_are_kept_and_those_after_the_reading_are_not_known(eu):
    read_list(eu, NOON, {**FRESH, "11-24 04:00": FAILED, "11-23 03:00": FAILED})

    days = short_days(row().days, NOON + timedelta(days=1))

    assert len(days) == DAYS
    told = [(day.date.day, day.state, day.also_failed) for day in days[-3:]]
    assert told == [(23, "failed", False), (24, "usable", True), (25, "unknown", False)]


def test_every_instance_of_the_list_can_be_searched_before_its_own_list_is_read(eu):
    listings.project_instances(eu, now=later())
    settled()

    found = row()
    assert (found.engine, found.tags, found.facts) == ("redis 6.0", "team=shop", "")
    assert found.search == f"orders-cache\n{ORDERS_CACHE_ID}"
    assert InstanceSummary.objects.count() == Instance.objects.count() == 20
