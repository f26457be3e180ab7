"""Settings, database and cache of this installation."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.cache import caches
from django.core.checks import ERROR, WARNING, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from backups.management.private_files import open_to_others
from backups.services.listings import CACHE_ERRORS
from dcsportal.health import is_migrated

from .findings import Finding, note, sentence, well, wrong

LEAST_FREE_BYTES = 200 * 1024 * 1024


def settings_findings() -> Iterator[Finding]:
    problems = [
        problem
        for problem in run_checks(include_deployment_checks=True)
        if problem.level >= WARNING and not problem.is_silenced()
    ]
    if not settings.HTTPS:
        # Django's own advice is about https.
        problems = [p for p in problems if p.level >= ERROR or not f"{p.id}".startswith("security.")]
        yield note("settings", f"PORTAL_URL is {settings.PORTAL_URL}, which is for this machine alone.")
    for problem in sorted(problems, key=lambda problem: problem.id or ""):
        make = wrong if problem.level >= ERROR else note
        yield make("settings", problem.msg, problem.hint or "Correct it.")
    if not any(problem.level >= ERROR for problem in problems):
        yield well("settings", f"They fit together, for viewers at {settings.PORTAL_URL}.")
    yield from _readable_secrets()
    yield from _open_files()
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield note(
            "settings",
            "TRUSTED_PROXIES is empty, so behind a proxy all viewers seem to have its address: "
            "in the audit, and where sign-ins are limited by address.",
            "Set it to the addresses of the proxy that ends TLS.",
        )
    if not settings.METRICS_TOKEN and not settings.ON_LOOPBACK:
        yield note(
            "settings", "METRICS_TOKEN is not set, so /metrics is closed.", "Set it if you use Prometheus."
        )
    if settings.SECRET_KEY_FALLBACKS:
        yield note(
            "settings",
            "SECRET_KEY_FALLBACKS still holds earlier keys.",
            f"Empty it {settings.SSO_SESSION_HOURS} hours after SECRET_KEY was changed.",
        )


def _readable_secrets() -> Iterator[Finding]:
    path = Path(os.environ.get("ENV_FILE", str(settings.BASE_DIR / ".env")) or os.devnull)
    if path.is_file() and stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
        yield note("settings", f"{path} can be read by everybody on this machine.", f"Run: chmod o-r {path}")


def _open_files() -> Iterator[Finding]:
    if found := sorted(open_to_others(Path(settings.VAR_DIR))):
        yield note(
            "settings",
            f"Others on this machine have a right to files of the portal ({len(found)}), such as {found[0]}.",
            f"Run as their owner: chmod -R go= {settings.VAR_DIR}. ./run serve does so when it starts.",
        )


def _connect_alone() -> None:
    """Connect to PostgreSQL without the pool, which would say no more than how long it waited."""
    if connection.vendor == "postgresql":
        with connection.wrap_database_errors:
            psycopg.connect(**connection.get_connection_params()).close()


def database_findings() -> Iterator[Finding]:
    try:
        _connect_alone()
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        taken = time.monotonic() - began
        migrated = is_migrated()
    except (DatabaseError, ImproperlyConfigured) as error:
        yield wrong(
            "database",
            f"{_database_name()} cannot be used: {sentence(error)}.",
            "Check DATABASE_URL, that the database runs and is reachable from here, and its user's rights.",
        )
        return
    if not migrated:
        yield wrong(
            "database",
            f"{_database_name()} answers, but lacks tables or columns of this version.",
            "Run: ./run manage migrate. ./run serve does so by itself when it starts.",
        )
        return
    yield well("database", f"{_database_name()} answers in {taken * 1000:.0f} ms and has all tables.")
    yield from _database_advice()


def _database_name() -> str:
    database: dict[str, Any] = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"SQLite at {database['NAME']}"
    return f"PostgreSQL at {database['HOST'] or 'this machine'}, database {database['NAME']},"


def _database_advice() -> Iterator[Finding]:
    database: dict[str, Any] = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        if settings.CACHES["default"]["BACKEND"].endswith("EmbeddedCache"):
            yield note(
                "cache",
                "Servers on several machines may share the database, but the cache is of this machine.",
                "With several machines set CACHE_URL to a Redis that all of them reach.",
            )
        return
    path = Path(str(database["NAME"]))
    if not path.is_file():
        return  # in memory
    free = shutil.disk_usage(path.parent).free
    if free < LEAST_FREE_BYTES:
        yield wrong(
            "database",
            f"Only {free // 1024 // 1024} MB are free where SQLite keeps its file.",
            f"Make room in {path.parent}: when it is full nobody can sign in.",
        )


def cache_findings() -> Iterator[Finding]:
    cache, key, value = caches["default"], f"doctor-{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        began = time.monotonic()
        cache.set(key, value, timeout=10)
        kept = cache.get(key) == value
        taken = time.monotonic() - began
    except CACHE_ERRORS as error:
        yield wrong(
            "cache",
            f"{_cache_name()} does not answer: {sentence(error)}. "
            "Pages still come, but each process asks DCS for itself.",
            "Check CACHE_URL, that Redis runs and is reachable from here, its password, and its memory.",
        )
        return
    if not kept:
        yield wrong(
            "cache",
            f"{_cache_name()} does not keep what it is given.",
            "Give Redis more memory (maxmemory), or another policy (maxmemory-policy allkeys-lru).",
        )
        return
    yield well("cache", f"{_cache_name()} keeps and returns values, in {taken * 1000:.0f} ms.")


def _cache_name() -> str:
    cache = settings.CACHES["default"]
    if cache["BACKEND"].endswith("EmbeddedCache"):
        return f"The embedded cache at {cache['LOCATION']}"
    # The address may hold a password: only what follows it is repeated.
    return f"Redis at {str(cache['LOCATION']).rpartition('@')[2].rpartition('//')[2]}"
