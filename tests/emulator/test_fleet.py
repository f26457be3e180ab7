"""The fleet: deterministic, lifelike, and with every case that a portal must survive."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID, Fleet

NOW = datetime(2026, 11, 24, 12, 3, 14, tzinfo=UTC)
INSTANCE_STATUSES = """CREATING CREATEFAILED RUNNING ERROR RESTARTING FROZEN EXTENDING RESTORING FLUSHING
    STARTING CLOSING CLOSED"""


def fleet_at(moment):
    return Fleet(now=lambda: moment, bulk_records=100)


def records(fleet, name):
    return [json.loads(row.text) for row in fleet.backups(fleet.named(name))]


def values(fleet, name, field):
    return {one[field] for one in records(fleet, name)}


@pytest.fixture(scope="module")
def fleet():
    return fleet_at(NOW)


@pytest.fixture(scope="module")
def instances(fleet):
    return [one for project in fleet.projects for one in fleet.instances(project)]


def test_two_fleets_of_the_same_moment_are_the_same(fleet, instances):
    other = fleet_at(NOW)

    keys = [(one.project_id, one.ak, one.sk) for one in fleet.projects]
    assert keys == [(one.project_id, one.ak, one.sk) for one in other.projects]
    for instance in instances:
        assert fleet.backups(instance) == other.backups(instance.instance_id)


def test_a_day_later_the_same_backups_have_the_same_ids_times_and_sizes(fleet, instances):
    later = fleet_at(NOW + timedelta(days=1))

    for instance in instances:
        if instance.step == 1:
            continue  # made or filled within a day: later the list holds others
        today = {row.backup_id: row.created for row in fleet.backups(instance)}
        tomorrow = {row.backup_id: row.created for row in later.backups(instance.instance_id)}
        both = today.keys() & tomorrow.keys()
        assert len(both) >= len(today) * 0.7
        assert {one: today[one] for one in both} == {one: tomorrow[one] for one in both}


def test_there_are_three_projects_with_47_instances_of_every_mode_and_status(fleet, instances):
    assert [project.name for project in fleet.projects] == ["eu-prod", "cn-prod", "ap-staging"]
    assert len({project.region for project in fleet.projects}) == 3
    assert [bool(project.security_token) for project in fleet.projects] == [False, False, True]
    for project in fleet.projects:
        assert project.sk not in repr(project)
        assert not project.security_token or project.security_token not in repr(project)
    assert len(instances) == 47
    assert {one.cache_mode for one in instances} == {"single", "ha", "cluster", "proxy", "ha_rw_split"}
    assert {one.engine for one in instances} == {"Redis", "Memcached"}
    assert {one.status for one in instances} == set(INSTANCE_STATUSES.split())


def test_orders_cache_has_about_72_records_of_several_kinds(fleet):
    found = records(fleet, "orders-cache")

    assert 68 <= len(found) <= 78
    assert (NOW - timedelta(days=1)).isoformat() < max(one["created_at"] for one in found) < NOW.isoformat()
    assert {one["backup_type"] for one in found} == {"auto", "manual"}
    counts = Counter(one["status"] for one in found)
    assert min(counts["succeed"], counts["failed"]) >= 4
    assert counts["expired"] >= 40
    assert any(one["status"] == "succeed" and one["is_support_restore"] == "FALSE" for one in found)


@pytest.mark.parametrize("days_later", [0, 3, 45, 400])
def test_the_contracts_filter_finds_several_rows_on_orders_cache_on_any_day(days_later):
    found = [
        one["status"]
        for one in records(fleet_at(NOW + timedelta(days=days_later)), "orders-cache")
        if one["status"] in {"failed", "expired"}
        and (one["backup_type"], one["is_support_restore"]) == ("auto", "FALSE")
        and one["created_at"] >= "2026-01-01"
        and "nightly" in (one["remark"] or "")
    ]

    assert len(found) >= 5
    assert set(found) == {"failed", "expired"}


def test_the_cases_that_a_page_must_tell_apart_are_there(fleet):
    assert (records(fleet, "sessions-single"), records(fleet, "brand-new")) == ([], [])
    assert fleet.named("sessions-single").cache_mode == "single"
    assert values(fleet, "billing-broken", "status") == {"failed"}
    kept = Counter(one["status"] for one in records(fleet, "reports-long-tail"))
    assert 22 <= kept["succeed"] <= 26
    assert min(kept["expired"], kept["deleted"]) > 150
    bad = Counter(one["created_at"][:10] for one in records(fleet, "pricing-bad-week") if one["error_code"])
    assert set(bad.values()) == {3}
    statuses = "waiting backuping succeed failed expired deleted archived"
    assert values(fleet, "every-status", "status") == set(statuses.split())
    codes = {f"dcs.08.000{number}" for number in range(1, 9)}
    assert codes <= values(fleet, "every-error-code", "error_code")


MOVES = [(5, "waiting", "0.00"), (112, "backuping", "49.74"), (211, "succeed", "100.00")]


@pytest.mark.parametrize(("seconds", "status", "progress"), MOVES)
def test_a_running_backup_moves_while_one_watches(seconds, status, progress):
    cycle = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    newest, before = records(fleet_at(cycle + timedelta(seconds=seconds)), "sessions-live")[:2]

    assert (newest["status"], newest["progress"]) == (status, progress)
    assert before["status"] == "succeed"
    later = records(fleet_at(cycle + timedelta(minutes=11)), "sessions-live")
    assert [one["status"] for one in later if one["backup_id"] == newest["backup_id"]] == ["succeed"]


def test_every_odd_record_keeps_its_id(fleet):
    assert len(values(fleet, "odd-fields", "backup_id")) == len(records(fleet, "odd-fields")) > 40


def test_bulk_history_is_as_long_as_was_asked_for():
    for length in (0, 1, 1001):
        rows = Fleet(bulk_records=length).backups(BULK_HISTORY_ID)
        assert len({row.backup_id for row in rows}) == len(rows) == length


def test_a_list_stands_still_within_its_minute():
    moment = NOW
    fleet = Fleet(now=lambda: moment)
    first = fleet.backups(ORDERS_CACHE_ID)
    moment = NOW + timedelta(seconds=40)

    assert fleet.backups(ORDERS_CACHE_ID) is first


def test_many_instances_have_a_backup_a_day_most_of_them_in_one_hour():
    fleet = fleet_at(NOW)
    fleet.add_many(1000, hour=3, share=0.6)

    many = [one for one in fleet.instances(fleet.primary) if one.name.startswith("many-")]
    assert (len(many), len(fleet.instances(fleet.primary))) == (1000, 1020)
    assert sum(one.backup_hour == 3 for one in many) == pytest.approx(617, abs=60)
    assert {one.backup_hour for one in many} == set(range(24))
    begun = [row.created for one in many[:100] for row in fleet.backups(one)[:1]]
    assert {moment.hour for moment in begun} <= {one.backup_hour for one in many}
    assert len({moment.minute for moment in begun}) > 20
    policy = many[0].details()["instance_backup_policy"]["policy"]
    assert policy["periodical_backup_plan"]["begin_at"].startswith(f"{many[0].backup_hour:02}:00")
