"""A SQLite that is busy for long, or without room: pages come all the same, and what is kept has a gap."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID

from ..services.api_records import raws
from .conftest import Environment
from .served import Served, browser, serving, token_of, wait_for

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/backups.json"


@contextmanager
def busy(server: Served, database: Path) -> Iterator[None]:
    """Another program writes to it all the time, as a backup by hand may."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(server: Served, database: Path) -> Iterator[None]:
    """Nothing can be written to any file."""
    (worker,) = server.workers()
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("harmed", [busy, full])
def test_while_nothing_can_be_written_pages_come_and_are_read_anew_and_who_signs_in_is_told_to_wait(
    harmed: Callable[[Served, Path], AbstractContextManager[None]],
    emulator: Emulator,
    environment: Environment,
    tmp_path: Path,
) -> None:
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    # Each view is of an old list, which is read anew behind it.
    with serving(environment(DCS_FRESH_SECONDS="0")) as server:
        session, database = server.signed_in(), tmp_path / "portal.sqlite3"

        def total() -> int:
            answer = session.get(server.url + HISTORY, timeout=30)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["total"])

        def kept() -> int:
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
