"""What is kept no longer: some time after a record left its list, or because somebody asks for it."""

import builtins
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from backups.models import Backup, BackupFailure, Change, CloudProject, Instance, Note, Reading, VerdictChange
from backups.services.evidence import NotWatched, all_records, evidence_of, list_as_of
from backups.services.listings import Listing, Subject, guard, recorder, removal
from backups.services.listings.removal import prune, prune_after
from backups.services.projects import configured_projects

from .api_records import raw
from .conftest import ORDERS, read, settled
from .readings import walk_of

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "the customer called Lovelace"


@pytest.fixture
def orders(eu):
    return Subject("backups", eu, ORDERS)


def day(number):
    return FIRST + timedelta(days=number)


def say(subject, at, *records):
    """DCS lists these records, and the portal reads them."""
    recorder.record(subject, walk_of(list(records)), read_at=at)


def shown(subject):
    """The list as a viewer gets it who does not wait for DCS."""
    [snapshot] = guard.snapshots(subject)
    return Listing(**vars(snapshot.cached.generation), decoded=snapshot.cached.decoded, source="cache")


def names(records):
    return sorted(record.name for record in records)


# EVIDENCE_DAYS --------------------------------------------------------------------


def test_a_backup_goes_so_many_days_after_it_was_listed_last(orders, settings):
    settings.EVIDENCE_DAYS = 30
    say(orders, day(0), raw(1), raw(2), raw(3), raw(4), raw(5))
    say(orders, day(1), raw(2, remark="changed"), raw(3), raw(4), raw(5))
    say(orders, day(20), raw(3), raw(4, status="expired"), raw(5))

    for at, oldest, unlisted, watched_since in ((31, 1, 2, 0), (32, 2, 1, 1), (51, 3, 0, 20)):
        prune(day(at))
        listing = shown(orders)
        assert names(all_records(listing)) == [f"backup_{number}" for number in range(oldest, 6)]
        assert (listing.unlisted, listing.watched_since) == (unlisted, day(watched_since))


def test_what_is_still_listed_keeps_all_that_is_known_of_it(orders, settings):
    settings.EVIDENCE_DAYS = 30
    say(orders, day(0), raw(1), raw(2), raw(3))
    say(orders, day(1), raw(1), raw(2, status="failed"), raw(3))
    say(orders, day(2), raw(2, status="expired"), raw(3))
    before = evidence_of(shown(orders))

    prune(day(900))

    del before[raw(1)["backup_id"]]
    assert evidence_of(shown(orders)) == before


def test_a_list_that_cannot_be_told_in_full_any_more_was_not_watched(orders, settings):
    settings.EVIDENCE_DAYS = 30
    say(orders, day(0), raw(1), raw(2), raw(3))
    say(orders, day(9), raw(2), raw(3))
    say(orders, day(20), raw(2), raw(3, remark="changed"))

    prune(day(40))

    with pytest.raises(NotWatched) as not_watched:
        list_as_of(orders.project, ORDERS, day(5))
    assert not_watched.value.problem.watched_since == day(9)
    assert names(list_as_of(orders.project, ORDERS, day(10)).records) == ["backup_2", "backup_3"]


def test_failures_and_verdicts_of_long_ago_go_but_for_what_still_counts(orders, settings):
    settings.EVIDENCE_DAYS = 30
    failed = {"status": "failed", "error_code": "dcs.08.0002", "is_support_restore": "FALSE"}
    say(orders, day(0), raw(1, execution_at="2026-01-01T00:00:00.000Z", **failed), raw(2))
    say(orders, day(1), raw(2, execution_at="2026-01-01T01:00:00.000Z", **failed))
    say(orders, day(2), raw(2, execution_at="2026-01-01T01:00:00.000Z", **failed), raw(3))
    changes = VerdictChange.objects.order_by("at")
    before = list(changes)
    assert BackupFailure.objects.count() == 2

    prune(day(60))

    assert [failure.backup_id for failure in BackupFailure.objects.all()] == [raw(2)["backup_id"]]
    assert 1 == len(changes.filter(at__lt=day(30))) < len(before)
    assert changes.filter(at__lt=day(30)).get() == [one for one in before if one.at < day(30)][-1]


def test_readings_go_that_nothing_needs(orders, settings):
    settings.EVIDENCE_DAYS = 30
    for number in range(10):
        say(orders, day(number), raw(100), raw(101), raw(number))
    say(orders, day(10), raw(100), raw(101))

    prune(day(900))

    assert Reading.objects.count() == 2  # the first, of which the others are; and the latest
    assert Change.objects.count() == 0
    say(orders, day(901), raw(100), raw(102))
    assert names(list_as_of(orders.project, ORDERS, day(900)).records) == ["backup_100", "backup_101"]
    assert names(all_records(shown(orders))) == ["backup_100", "backup_101", "backup_102"]


def test_an_instance_goes_with_its_backups_unless_its_list_was_still_read(orders, settings):
    settings.EVIDENCE_DAYS = 30
    say(orders, day(0), raw(1))
    Instance.objects.update(gone_since=day(1), gone_why="unlisted")
    say(orders, day(5), raw(1))

    prune(day(34))
    assert Backup.objects.exists()

    prune(day(36))
    for model in (Backup, Reading, Instance):
        assert not model.objects.exists()
    assert guard.snapshots(orders)[0].cached is None


def test_pruning_is_done_by_the_first_reader_of_a_day_and_of_new_settings_but_not_for_0_days(
    orders, instances, settings, monkeypatch
):
    kept = Backup.objects.filter(instance__instance_id=ORDERS)
    say(orders, day(0), raw(1), raw(2), raw(3))
    say(orders, day(1), raw(2), raw(3))
    monkeypatch.setattr(removal, "_looked", -removal.LOOK_SECONDS)
    settings.EVIDENCE_DAYS = 0
    read(orders.project, instances[0])
    settled()
    assert kept.count() == 3

    settings.EVIDENCE_DAYS = 1
    prune_after(orders)
    assert kept.count() == 3  # it looks once in an hour

    monkeypatch.setattr(removal, "_looked", -removal.LOOK_SECONDS)
    prune_after(orders)
    assert kept.count() == 2


# EVIDENCE_REMARKS -----------------------------------------------------------------


def kept_text():
    columns = [Backup.objects.values_list("record"), Change.objects.values_list("before")]
    return "".join(bytes(text).decode() for rows in columns for (text,) in rows)


def test_the_remark_of_what_is_no_longer_listed_goes_where_that_is_wanted(orders, settings):
    say(orders, day(0), raw(1, remark=SECRET), raw(2, remark="of another"), raw(3))
    say(orders, day(1), raw(1, remark=SECRET, status="expired"), raw(2, remark="of another"), raw(3))
    say(orders, day(2), raw(2, remark="of another"), raw(3))
    assert "Lovelace" in repr(all_records(shown(orders)))

    settings.EVIDENCE_REMARKS = "listed"
    prune_after(orders)

    assert "Lovelace" not in kept_text()
    assert "Lovelace" not in repr(all_records(shown(orders)))
    assert "of another" in kept_text()
    [then] = [one for one in list_as_of(orders.project, ORDERS, day(0)).records if one.name == "backup_1"]
    assert (then.status, then.description) == ("succeed", "")

    say(orders, day(3), raw(1, remark=SECRET), raw(2, remark="of another"), raw(3))
    prune_after(orders)
    assert "Lovelace" in repr(shown(orders).records)


def test_a_remark_stays_while_it_is_not_sure_that_its_record_is_gone(orders, settings):
    settings.EVIDENCE_REMARKS = "listed"
    say(orders, day(0), raw(1, remark=SECRET))
    say(orders, day(1))
    prune_after(orders)
    assert "Lovelace" in kept_text()

    say(orders, day(2))
    prune_after(orders)
    assert "Lovelace" not in kept_text()


def test_where_dcs_says_that_an_instance_does_not_exist_its_remarks_go(orders, settings):
    settings.EVIDENCE_REMARKS = "listed"
    say(orders, day(0), raw(1, remark=SECRET))
    Instance.objects.update(gone_since=day(1), gone_why="unknown")

    prune_after(Subject("instance", orders.project, ORDERS))

    assert "Lovelace" not in kept_text()
    assert names(shown(orders).records) == ["backup_1"]


# ./run manage forget --------------------------------------------------------------


def forget(*options):
    out = io.StringIO()
    call_command("forget", *options, stdout=out)
    return out.getvalue()


def test_an_instance_is_forgotten_with_all_that_was_known_of_it(orders):
    other = Subject("backups", orders.project, "another")
    for subject in (orders, other):
        say(subject, day(0), raw(1), raw(2), raw(3))
    say(orders, day(1), raw(2, status="failed"), raw(3))

    said = forget("--instance", ORDERS, "--yes")

    assert f"To be deleted: instance {ORDERS} of cloud project {orders.project.project_id}" in said
    assert "Deleted 1 instance, 3 backups, 1 change and 2 readings." in said
    assert guard.snapshots(orders)[0].cached is None
    with pytest.raises(NotWatched):
        list_as_of(orders.project, ORDERS, day(1))
    assert len(shown(other).records) == 3


def test_a_project_is_forgotten_by_its_name_or_by_the_clouds(orders):
    cn = configured_projects()["cn-prod"]
    say(orders, day(0), raw(1))
    say(Subject("backups", cn, ORDERS), day(0), raw(1), raw(2))

    said = forget("--project", "eu-prod", "--yes")
    assert f"cloud project {orders.project.project_id} at {orders.project.endpoint}" in said
    assert [project.project_id for project in CloudProject.objects.all()] == [cn.project_id]

    assert "Deleted 1 instance, 2 backups" in forget("--project", cn.project_id, "--yes")
    assert not Note.objects.filter(key__startswith="current:").exists()


def test_the_remark_of_a_backup_is_forgotten_and_nothing_else(orders):
    say(orders, day(0), raw(1, remark=SECRET), raw(2, remark="of another"))
    say(orders, day(1), raw(1, remark=f"{SECRET} again", status="expired"), raw(2, remark="of another"))
    before = shown(orders)

    said = forget("--remark", raw(1)["backup_id"], "--yes")

    assert f"To be deleted: the remark of backup {raw(1)['backup_id']}" in said
    assert "which DCS still lists" in said
    assert "Deleted the remark of 1 backup." in said
    assert "Lovelace" not in kept_text()
    after = shown(orders)
    assert [one.description for one in after.records] == ["", "of another"]
    assert [one.status for one in after.records] == ["expired", "succeed"]
    assert after.generation != before.generation

    # As long as DCS lists it, it is read again.
    say(orders, day(2), raw(1, remark=SECRET, status="expired"), raw(2, remark="of another"))
    assert [one.description for one in shown(orders).records] == [SECRET, "of another"]


def test_nothing_is_deleted_without_a_yes(orders, monkeypatch):
    say(orders, day(0), raw(1))
    answers = iter(["", "no"])
    monkeypatch.setattr(builtins, "input", lambda _: next(answers))
    for _ in range(2):
        with pytest.raises(CommandError, match="Nothing was deleted"):
            forget("--instance", ORDERS)
    assert Backup.objects.count() == 1

    monkeypatch.setattr(builtins, "input", lambda _: "yes")
    forget("--instance", ORDERS)
    assert Backup.objects.count() == 0


@pytest.mark.parametrize("what", ["--instance", "--project", "--remark"])
def test_what_nobody_knows_is_said(eu, what):
    with pytest.raises(CommandError, match="Nothing of that is kept"):
        forget(what, "unknown", "--yes")
