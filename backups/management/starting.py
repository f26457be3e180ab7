"""What a server does before it listens: check the settings, and bring tables and files up to date."""

from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.checks import ERROR, run_checks
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection

from .private_files import keep_private

# Names the lock among all that use the database: "DCS backups", as a number.
ADVISORY_LOCK = 0x44435362
MOST_OPEN_FILES = 65_536
STATIC_FOLDERS_KEPT = 3


def refuse_wrong_settings() -> None:
    """Raise SystemExit with what is wrong: a line for each thing, which says what to do."""
    problems = [problem for problem in run_checks(include_deployment_checks=True) if problem.level >= ERROR]
    if problems:
        problems.sort(key=lambda problem: problem.id or "")
        raise SystemExit("\n".join(f"{problem.msg} {problem.hint or ''}".strip() for problem in problems))


def first_line(error: object) -> str:
    """Return what an error says, as the end of a sentence, without the lines that only a program reads."""
    return f"{error}".strip().partition("\n")[0].rstrip(". ") or type(error).__name__


def bound(host: str, port: int) -> socket.socket:
    """Return a socket of this address on which nobody listens yet; port 0 takes any that is free."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise SystemExit(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
    return listener


def prepare() -> None:
    """Bring the database and the static files up to date; of servers that start at once one does it."""
    keep_private(settings.VAR_DIR)
    # In which versions before the evidence kept what they had read, and their locks.
    for path in (*settings.VAR_DIR.glob("cache.sqlite3*"), settings.VAR_DIR / "locks"):
        path.unlink(missing_ok=True)
    with one_at_a_time():
        call_command("migrate", verbosity=0, interactive=False)
        call_command("clearsessions")
        collect_static_files()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for other servers that start: of this checkout by a file, of all by the database."""
    with ExitStack() as stack:
        file = stack.enter_context((settings.VAR_DIR / "starting").open("wb"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another server that is starting.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor == "postgresql":
            # A connection of its own, with which the lock ends, however it ends.
            with connection.wrap_database_errors:
                lock = stack.enter_context(psycopg.connect(**connection.get_connection_params()))
                lock.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        yield


def collect_static_files() -> None:
    """Collect the static files into a folder of this very content, and let `current` lead there.

    collectstatic takes files away before it writes them anew; a server that runs must never see that.
    """
    current: Path = settings.STATIC_LINK
    folder = current.with_name(_digest_of_static_files())
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=current.parent) as temporary:
            collected = Path(temporary) / folder.name
            options = {"location": str(collected), "base_url": settings.STATIC_URL}
            command = collectstatic.Command()
            command.storage = storages.create_storage(settings.STORAGES["staticfiles"] | {"OPTIONS": options})
            call_command(command, verbosity=0, interactive=False)
            with suppress(OSError):  # another server has been quicker
                collected.rename(folder)
    os.utime(folder)
    link = current.with_name(f"{folder.name}-{os.getpid()}")
    link.symlink_to(folder.name)
    link.replace(current)
    folders = [path for path in current.parent.iterdir() if path.is_dir() and not path.is_symlink()]
    for old in sorted(folders, key=lambda path: path.stat().st_mtime)[:-STATIC_FOLDERS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _digest_of_static_files() -> str:
    digest = hashlib.sha256(f"{settings.STORAGES['staticfiles']} {version('whitenoise')}".encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            with storage.open(path) as file:
                content = file.read()
            digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def counts_folder(host: str, port: int) -> Path:
    """Return the empty folder in which this server's workers count; no other server has its address."""
    folder: Path = settings.VAR_DIR / "metrics" / f"{host}-{port}".replace(":", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def prepare_environment() -> None:
    """Set up what a server's workers inherit."""
    # They read the file of settings anew.
    for name in settings.NAMES_OF_ENV_FILE:
        os.environ.pop(name, None)
    # Of itself glibc takes memory from a place for each processor: 32 threads would hold half as much again.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    # Where answers wait that are read too slowly to be kept in memory.
    folder = settings.VAR_DIR / "tmp"
    folder.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(folder)
    # Each connection is an open file.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
