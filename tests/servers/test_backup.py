"""The commands of docs/deploying.md that back the portal's own database up and restore it, as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from .conftest import Environment
from .postgresql import Postgres
from .served import ROOT, serving

TEXT = (ROOT / "docs" / "deploying.md").read_text()


def run(folder: Path, program: str, database_url: str = "") -> None:
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
def folder(tmp_path: Path) -> Path:
    for name in ("var", "backup"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.needs("sqlite3", "sqlite3")
def test_a_restored_sqlite_signs_nobody_out(environment: Environment, folder: Path) -> None:
    database = folder / "var" / "portal.sqlite3"
    values = environment(DATABASE_URL=f"sqlite:///{database}")
    with serving(values) as server:
        before = server.signed_in()
        run(folder, "sqlite3")
        since = server.signed_in("ben")

    run(folder, "rm")
    run(folder, "install")

    with serving(values) as server:
        statuses = [
            session.get(f"{server.url}/", allow_redirects=False).status_code for session in (before, since)
        ]
    assert statuses == [200, 302]


@pytest.mark.needs("pg_dump", "postgresql")
def test_a_restored_postgresql_signs_nobody_out(
    environment: Environment, folder: Path, postgres: Postgres
) -> None:
    used, empty = postgres.create("used"), postgres.create("empty")
    with serving(environment(DATABASE_URL=used)) as server:
        session = server.signed_in()
        run(folder, "pg_dump", used)

    with psycopg.connect(used, autocommit=True) as connection:
        connection.execute("DELETE FROM django_session")
        run(folder, "pg_restore", used)
        assert connection.execute("SELECT count(*) FROM django_session").fetchone() == (1,)

    run(folder, "pg_restore", empty)
    with serving(environment(DATABASE_URL=empty)) as server:
        assert session.get(f"{server.url}/", allow_redirects=False).status_code == 200


def test_what_is_backed_up_is_for_its_owner_alone() -> None:
    assert re.search(r"^umask 077\b", TEXT, flags=re.MULTILINE)
