"""A PostgreSQL that a test can stop, freeze and start again, as operators see happen."""

import os
import shutil
import signal
import stat
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql.executors import PostgreSQLExecutor

from .served import free_port, wait_for

USER, PASSWORD, DATABASE = "portal", "a-password-@:/-with-signs", "portal"
# What stands between the password and its address.
ESCAPED = "a-password-%40%3A%2F-with-signs"


def pg_ctl():
    """Return pg_ctl, which Debian keeps off the path. Skips the test where it is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    path = str(found[-1]) if found else shutil.which("pg_ctl")
    if not path:
        pytest.skip("pg_ctl is missing: install the Debian package postgresql")
    return path


def _for_this_user(path, folder):
    """Return a command that works for root too, to whom PostgreSQL refuses itself."""
    if os.geteuid() != 0:
        return path
    script = folder / "pg_ctl"
    script.write_text(f'#!/bin/sh\nexec unshare --user --map-user=1000 --map-group=1000 -- {path} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


class Postgres:
    """`url` is what DATABASE_URL says."""

    def __init__(self, folder):
        self._executor = PostgreSQLExecutor(
            executable=_for_this_user(pg_ctl(), folder),
            host="127.0.0.1",
            port=free_port(),
            datadir=str(folder / "data"),
            unixsocketdir=str(folder),
            logfile=str(folder / "log"),
            startparams="-w",
            dbname=DATABASE,
            user=USER,
            password=PASSWORD,
            postgres_options="-c listen_addresses=127.0.0.1 -c fsync=off",
        )
        self.url = self.url_of(DATABASE)
        self.start()
        self.create(DATABASE)

    def url_of(self, database):
        return f"postgresql://{USER}:{ESCAPED}@127.0.0.1:{self._executor.port}/{database}"

    def create(self, database):
        """Make an empty database, and return its url."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url_of(database)

    def connections(self, database=DATABASE):
        with psycopg.connect(self.url_of("postgres")) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            return connection.execute(query, [database]).fetchone()[0]

    def stop(self):
        self._executor.stop()

    def start(self):
        """Start it, and wait until it answers: its port is open before."""
        self._executor.start()
        wait_for(self._answers)

    def _answers(self):
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url_of("postgres")).close()
            return True
        return False

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        """Send it to the server and to all that serve its connections."""
        postmaster = int((Path(self._executor.datadir) / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in (postmaster, *map(int, children)):
            os.kill(pid, number)
