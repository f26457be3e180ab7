"""The hcloud command of a page: quoted for any shell, without a key, and about the same backups."""

import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backups.dcs.records import BackupRecord
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.services.listings.clients import client_for
from backups.services.tickets.commands import backup_command, history_command

from .api_records import raw
from .conftest import read


def options_of(command):
    """What hcloud gets from a shell."""
    program, *rest = shlex.split(command)
    assert [program, *rest[:2]] == ["hcloud", "DCS", "ListBackupRecords"]
    return dict(option.removeprefix("--").split("=", 1) for option in rest[2:])


def test_the_window_is_in_utc_and_in_whole_seconds(eu):
    begin = datetime.fromisoformat("2026-01-01T08:00:00.900+08:00")
    end = datetime.fromisoformat("2026-01-31T23:59:59.100+00:00")

    options = options_of(history_command(eu, ORDERS_CACHE_ID, (begin, end)))

    assert (options["begin_time"], options["end_time"]) == ("20260101000000", "20260201000000")
    assert "end_time" not in options_of(history_command(eu, ORDERS_CACHE_ID, (begin, None)))


def test_one_backup_is_in_the_list_that_its_command_asks_for(eu, emulator):
    for record in read(eu).records:
        options = options_of(backup_command(eu, ORDERS_CACHE_ID, record))
        begin, end = (stamp(options[name]) for name in ("begin_time", "end_time"))
        listed = client_for(eu).list_backup_records(
            options["instance_id"], offset=0, limit=1000, begin_time=begin, end_time=end
        )

        assert record.backup_id in [found.backup_id for found in listed.records]
        assert options["cli-query"] == f"backup_record_response[?backup_id=='{record.backup_id}']"

    timeless = BackupRecord.from_api(raw(created_at="soon", execution_at=None, updated_at=None))
    assert "begin_time" not in options_of(backup_command(eu, ORDERS_CACHE_ID, timeless))


def stamp(text):
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


@pytest.mark.parametrize("bad", ["", 'a"; rm -rf ~; "', "$(id)", "`id`", "a\nb", "a'b", "n" * 65])
def test_an_id_that_is_none_is_in_no_command(eu, bad):
    good = BackupRecord.from_api(raw(backup_id=REFERENCE_BACKUP_ID))

    assert history_command(eu, bad) == ""
    assert history_command(replace(eu, project_id=bad), ORDERS_CACHE_ID) == ""
    assert history_command(replace(eu, region=bad), ORDERS_CACHE_ID) == ""
    assert backup_command(eu, bad, good) == ""
    assert backup_command(eu, ORDERS_CACHE_ID, BackupRecord.from_api(raw(backup_id=bad))) == ""
