"""The embedded cache: one SQLite file that all processes of this machine share, without any server.

A Django cache backend for bytes, text and whole numbers, so that nothing in the file can run as
code. Chosen by measurement (docs/performance.md): Django's file and database backends pickle, and
cost several times as much for a look-up. What breaks in it is raised as sqlite3.Error or OSError;
a file that is no database any more is begun anew, since a cache may be lost at any time.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from .cache_file import FOREVER, MOST_REMEMBERED, cache_file

SWEEP_SECONDS = 30.0
MAX_BYTES = 1024**3

_UPSERT = (
    "INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
# How many rows one transaction drops, so that no other process's write has to wait for long.
_DROPPED_AT_ONCE = 50


class EmbeddedCache(BaseCache):
    """Django's cache interface over one SQLite file; `location` is its path."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._file = cache_file(location)
        self._made_keys: dict[tuple[tuple[str, ...], int | None], dict[str, str]] = {}

    # Django's interface ------------------------------------------------------

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        made = self._made(tuple(keys), version)
        rows = self._file.read(lambda db: db.look_up(tuple(made)))
        return {made[key]: value for key, value, _ in rows}

    def _made(self, keys: tuple[str, ...], version: int | None) -> dict[str, str]:
        """Return the caller's keys by the file's; each view of a page asks for the same ones."""
        made = self._made_keys.get((keys, version))
        if made is None:
            made = {self.make_and_validate_key(key, version=version): key for key in keys}
            if len(self._made_keys) >= MOST_REMEMBERED:
                self._made_keys.clear()
            self._made_keys[keys, version] = made
        return made

    def has_key(self, key: str, version: int | None = None) -> bool:
        return bool(self.get_many([key], version))

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self.set_many({key: value}, timeout, version)

    def set_many(
        self, data: Mapping[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        expires = self._expiry(timeout)
        rows = [
            (self.make_and_validate_key(key, version=version), _plain(value), expires)
            for key, value in data.items()
        ]
        # One row a transaction: a reader of another process never waits for megabytes.
        for row in rows:
            self._file.write(partial(_upsert, row))
        self._sweep_at_times()
        return []

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set where nothing is: of all processes that try at once, one is told True."""
        row = (self.make_and_validate_key(key, version=version), _plain(value), self._expiry(timeout))
        query = f"{_UPSERT} WHERE entries.expires <= ?"
        return self._file.write(lambda db: db.execute(query, (*row, time.time())).rowcount) > 0

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count, in one step that no other process can come between. Raises ValueError where nothing is."""
        made = self.make_and_validate_key(key, version=version)
        query = "UPDATE entries SET value = value + ? WHERE key = ? AND expires > ? RETURNING value"
        rows = self._file.write(lambda db: db.execute(query, (delta, made, time.time())).fetchall())
        if not rows:
            raise ValueError(f"Key '{key}' not found")
        return int(rows[0][0])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        row = (self._expiry(timeout), self.make_and_validate_key(key, version=version), time.time())
        query = "UPDATE entries SET expires = ? WHERE key = ? AND expires > ?"
        return self._file.write(lambda db: db.execute(query, row).rowcount) > 0

    def delete(self, key: str, version: int | None = None) -> bool:
        made = self.make_and_validate_key(key, version=version)
        return (
            self._file.write(lambda db: db.execute("DELETE FROM entries WHERE key = ?", (made,)).rowcount) > 0
        )

    def clear(self) -> None:
        self._file.write(lambda db: db.execute("DELETE FROM entries"))

    def close(self, **kwargs: Any) -> None:
        """Keep the connections after a request: they are for all threads."""

    # What expires --------------------------------------------------------------

    def _expiry(self, timeout: Any) -> float:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return FOREVER if seconds is None else time.time() + float(seconds)

    def _sweep_at_times(self) -> None:
        """Drop what has expired, and the half that expires first where the file grew beyond its bound."""
        if time.monotonic() - self._file.swept < SWEEP_SECONDS:
            return
        self._file.swept = time.monotonic()
        if self._file.is_another():
            self._file.forget_connections()  # somebody took the file away: all must meet in the new one
            return
        while self._drop_some("WHERE expires <= ?", time.time()) == _DROPPED_AT_ONCE:
            pass
        if self._file.read(_bytes_used) > MAX_BYTES:
            half = (
                self._file.read(lambda db: db.execute("SELECT count(*) FROM entries").fetchone()[0]) // 2 + 1
            )
            for dropped in range(0, half, _DROPPED_AT_ONCE):
                self._drop_some("ORDER BY expires", most=half - dropped)

    def _drop_some(self, which: str, *values: float, most: int = _DROPPED_AT_ONCE) -> int:
        some = f"SELECT key FROM entries {which} LIMIT {min(most, _DROPPED_AT_ONCE)}"
        query = f"DELETE FROM entries WHERE key IN ({some})"
        return self._file.write(lambda db: db.execute(query, values).rowcount)


def _upsert(row: tuple[str, Any, float], db: sqlite3.Connection) -> None:
    db.execute(_UPSERT, row)


def _bytes_used(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _plain(value: Any) -> Any:
    if type(value) in (bytes, str, int):
        return value
    raise TypeError(f"only bytes, text and whole numbers are cached, not {type(value).__name__}")
