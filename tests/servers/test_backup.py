"""The commands of docs/deploying.md that back the portal's own database up and restore it, as they stand."""

import os
import re
import sqlite3
import subprocess
from contextlib import closing

import psycopg
import pytest

from .served import HISTORY, ROOT, ids_of, serving, wait_for

TEXT = (ROOT / "docs" / "deploying.md").read_text()


def run(folder, program, database_url=""):
    """Run the lines of docs/deploying.md that name this program, with the paths and the user of this test."""
    section = TEXT[TEXT.index("**Backup.**") : TEXT.index("## Without a proxy")]
    lines = [line for line in section.splitlines() if line.startswith(program)]
    assert lines, program
    for line in lines:
        for documented, own in (
            ("/srv/dcs-backups/var", str(folder / "var")),
            ("/backup", str(folder / "backup")),
            ("-o dcs-backups -g dcs-backups ", ""),
        ):
            line = line.replace(documented, own)
        subprocess.run(["sh", "-euc", line], check=True, env=os.environ | {"DATABASE_URL": database_url})


@pytest.fixture
def folder(tmp_path):
    for name in ("var", "backup"):
        (tmp_path / name).mkdir()
    return tmp_path


def look(server, session):
    page = session.get(server.url + HISTORY, timeout=30)
    assert page.status_code == 200, page.text
    return ids_of(page.text)


@pytest.mark.needs("sqlite3", "sqlite3")
def test_a_restored_sqlite_signs_nobody_out_and_tells_what_dcs_no_longer_can(environment, emulator, folder):
    database = folder / "var" / "portal.sqlite3"
    values = environment(DATABASE_URL=f"sqlite:///{database}")
    with serving(values) as server:
        before = server.signed_in()
        seen = look(server, before)
        with closing(sqlite3.connect(database)) as looker:
            wait_for(lambda: looker.execute("SELECT 1 FROM backups_reading WHERE is_accepted").fetchone())
        run(folder, "sqlite3")
        since = server.signed_in("ben")

    run(folder, "rm")
    run(folder, "install")

    emulator.fail_with(503)
    with serving(values) as server:
        assert look(server, before) == seen != []
        assert since.get(f"{server.url}/", allow_redirects=False).status_code == 302


@pytest.mark.needs("pg_dump", "postgresql")
def test_a_restored_postgresql_signs_nobody_out_and_tells_what_dcs_no_longer_can(
    environment, emulator, folder, postgres
):
    used, empty = postgres.create("used"), postgres.create("empty")
    with serving(environment(DATABASE_URL=used)) as server, psycopg.connect(used, autocommit=True) as looker:
        session = server.signed_in()
        seen = look(server, session)
        wait_for(lambda: looker.execute("SELECT 1 FROM backups_reading WHERE is_accepted").fetchone())
        run(folder, "pg_dump", used)

    with psycopg.connect(used, autocommit=True) as connection:
        connection.execute("DELETE FROM django_session")
        run(folder, "pg_restore", used)
        assert connection.execute("SELECT count(*) FROM django_session").fetchone() == (1,)

    run(folder, "pg_restore", empty)
    emulator.fail_with(503)
    with serving(environment(DATABASE_URL=empty)) as server:
        assert look(server, session) == seen != []


def test_what_is_backed_up_is_for_its_owner_alone():
    assert re.search(r"^umask 077\b", TEXT, flags=re.MULTILINE)
