"""A SQLite that is busy for long, or without room: pages come all the same, and what is kept has a gap."""

import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest

from backups.emulator.fleet import ORDERS_CACHE_ID

from ..services.api_records import raws
from .served import browser, serving, token_of, wait_for

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/backups.json"


@contextmanager
def busy(server, database):
    """Another program writes to it all the time, as a backup by hand may."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(server, database):
    """Nothing can be written to any file."""
    (worker,) = server.workers()
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("harmed", [busy, full])
def test_while_nothing_can_be_written_pages_come_and_are_read_anew_and_who_signs_in_is_told_to_wait(
    harmed, emulator, environment, tmp_path
):
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    # Each view is of an old list, which is read anew behind it.
    with serving(environment(DCS_FRESH_SECONDS="0")) as server:
        session, database = server.signed_in(), tmp_path / "portal.sqlite3"

        def total():
            answer = session.get(server.url + HISTORY, timeout=30)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["total"])

        def kept():
            with closing(sqlite3.connect(database)) as looker:
                return int(looker.execute("SELECT count(*) FROM backups_backup").fetchone()[0])

        assert total() == 3
        wait_for(lambda: kept() == 3)
        with harmed(server, database):
            emulator.set_records(ORDERS_CACHE_ID, raws(5))
            assert total() == 3
            wait_for(lambda: total() == 5)
            stranger = browser()
            form = {"person": "ben", "csrfmiddlewaretoken": token_of(stranger.get(f"{server.url}/sign-in/"))}
            told = stranger.post(f"{server.url}/sign-in/", form, timeout=30)
            assert (told.status_code, told.headers["Retry-After"]) == (503, "5")
            assert kept() == 3
        wait_for(lambda: total() == kept() == 5)
        assert server.signed_in("ben")
