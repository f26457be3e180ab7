"""What a server does before it listens, one server at a time: tables, old sessions, static files."""

from __future__ import annotations

import fcntl
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction

# Names the lock among all that use the database: "DCS backups", as a number.
ADVISORY_LOCK = 0x44435362
MOST_OPEN_FILES = 65_536


def prepare() -> None:
    """Bring the database and the static files up to date; of servers that start at once one does it."""
    with one_at_a_time():
        call_command("migrate", verbosity=0, interactive=False)
        call_command("clearsessions")
        call_command("collectstatic", verbosity=0, interactive=False)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for other servers that start: of this checkout by a file, of all by the database."""
    with ExitStack() as stack:
        file = stack.enter_context((Path(settings.VAR_DIR) / "starting").open("wb"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another server that is starting.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
            stack.enter_context(_advisory_lock())
        yield


@contextmanager
def _advisory_lock() -> Iterator[None]:
    """Hold the database's lock in a transaction of its own connection; it ends with that, however it ends."""
    name = "starting"
    database = connections.databases[DEFAULT_DB_ALIAS]
    options = {key: value for key, value in database["OPTIONS"].items() if key != "pool"}
    connections.databases[name] = database | {"OPTIONS": options}
    connection = connections[name]
    try:
        with transaction.atomic(using=name), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            yield
    finally:
        connection.close()
        del connections[name]
        del connections.databases[name]


def metrics_folder(host: str, port: int) -> Path:
    """Return the empty folder in which this server's workers count; no other server has its address."""
    folder = Path(settings.VAR_DIR) / "metrics" / f"{host}-{port}".replace(":", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def allow_many_connections() -> None:
    """Raise the limit of open files as far as the system allows: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
