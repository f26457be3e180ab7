"""The embedded cache: one SQLite file that all processes of this machine share, without any server.

Django's file and database caches would not hold the rules: both pickle, so that a value can run as code;
neither counts, nor adds of all processes for the first one alone, in one step; and clearing out of old
entries locks or lists everything. What breaks here is raised as sqlite3.Error or OSError; a file that is
no database any more is begun anew, since a cache may be lost at any time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

# How long one waits for another's write, be it a thread or a process.
BUSY_SECONDS = 0.5
SWEEP_SECONDS = 30.0
MAX_BYTES = 1024**3
FOREVER = float(2**53)
# How many rows one transaction drops, so that no other process's write has to wait for long.
_DROPPED_AT_ONCE = 50

_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=OFF;  -- a power cut may cost the cache: then it is begun anew
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value, expires REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires);
"""
_UPSERT = (
    "INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)


class EmbeddedCache(BaseCache):
    """Django's cache interface over one SQLite file; `location` is its path."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._file = cache_file(location)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        made = {self.make_and_validate_key(key, version=version): key for key in keys}
        query = f"SELECT key, value FROM entries WHERE key IN ({','.join('?' * len(made))}) AND expires > ?"
        return {made[key]: value for key, value in self._file.read(query, *made, time.time())}

    def has_key(self, key: str, version: int | None = None) -> bool:
        return bool(self.get_many([key], version))

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._file.write(_UPSERT, *self._row(key, value, timeout, version))
        if self._file.is_to_be_swept():
            self._sweep()

    def set_many(
        self, data: Mapping[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        # One row a transaction: a reader of another process never waits for megabytes.
        for key, value in data.items():
            self.set(key, value, timeout, version)
        return []

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set where nothing is: of all processes that try at once, one is told True."""
        row = self._row(key, value, timeout, version)
        return bool(self._file.write(f"{_UPSERT} WHERE entries.expires <= ? RETURNING 1", *row, time.time()))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count, in one step that no other process can come between. Raises ValueError where nothing is."""
        made = self.make_and_validate_key(key, version=version)
        query = "UPDATE entries SET value = value + ? WHERE key = ? AND expires > ? RETURNING value"
        rows = self._file.write(query, delta, made, time.time())
        if not rows:
            raise ValueError(f"Key '{key}' not found")
        return int(rows[0][0])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        made = self.make_and_validate_key(key, version=version)
        query = "UPDATE entries SET expires = ? WHERE key = ? AND expires > ? RETURNING 1"
        return bool(self._file.write(query, self._expiry(timeout), made, time.time()))

    def delete(self, key: str, version: int | None = None) -> bool:
        made = self.make_and_validate_key(key, version=version)
        return bool(self._file.write("DELETE FROM entries WHERE key = ? RETURNING 1", made))

    def clear(self) -> None:
        self._file.write("DELETE FROM entries")

    def close(self, **kwargs: Any) -> None:
        """Keep the connections after a request: they are for all threads."""

    def _row(self, key: str, value: Any, timeout: Any, version: int | None) -> tuple[str, Any, float]:
        _refuse_what_needs_pickling(value)
        return self.make_and_validate_key(key, version=version), value, self._expiry(timeout)

    def _expiry(self, timeout: Any) -> float:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return FOREVER if seconds is None else time.time() + float(seconds)

    def _sweep(self) -> None:
        """Drop what has expired, and the half that expires first where the file grew beyond its bound."""
        while self._drop_some("WHERE expires <= ?", time.time()) == _DROPPED_AT_ONCE:
            pass
        [(size,)] = self._file.read(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        if size > MAX_BYTES:
            [(entries,)] = self._file.read("SELECT count(*) FROM entries")
            for _ in range(0, entries // 2 + 1, _DROPPED_AT_ONCE):
                self._drop_some("ORDER BY expires")

    def _drop_some(self, which: str, *values: float) -> int:
        some = f"SELECT key FROM entries {which} LIMIT {_DROPPED_AT_ONCE}"
        return len(self._file.write(f"DELETE FROM entries WHERE key IN ({some}) RETURNING 1", *values))


class _CacheFile:
    """One file as this process knows it: one connection to read it, one to write, for all threads.

    To open one is dear, and SQLite lets those who wait for a write try again ever more seldom: threads
    queue here instead.
    """

    def __init__(self, path: str) -> None:
        self._reader, self._writer = _Connection(Path(path)), _Connection(Path(path), BUSY_SECONDS)
        self._swept = 0.0

    def read(self, query: str, *values: Any) -> list[Any]:
        return self._reader.run(query, values)

    def write(self, query: str, *values: Any) -> list[Any]:
        return self._writer.run(query, values)

    def is_to_be_swept(self) -> bool:
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return False
        self._swept = time.monotonic()
        return True


class _Connection:
    """A connection that one thread at a time uses, opened anew where somebody took the file away."""

    def __init__(self, path: Path, patience: float = -1) -> None:
        self._path = path
        self._patience = patience
        self._queue = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._opened_as = (0, 0)

    def run(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        if not self._queue.acquire(timeout=self._patience):
            error = sqlite3.OperationalError("other threads are writing")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        try:
            try:
                return self._ask(query, values)
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise  # busy, full, or gone: the file itself may be well
            self._begin_anew()
            return self._ask(query, values)
        finally:
            self._queue.release()

    def _ask(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        if self._db is None or self._opened_as != self._identity():
            self._db = self._open()
            self._opened_as = self._identity()
        return self._db.execute(query, values).fetchall()

    def _identity(self) -> tuple[int, int]:
        """Return which file there is, and for whom: what a parent process opened is not its child's."""
        try:
            return os.getpid(), os.stat(self._path).st_ino
        except FileNotFoundError:
            return os.getpid(), 0

    def _open(self) -> sqlite3.Connection:
        ends = time.monotonic() + BUSY_SECONDS
        db = sqlite3.connect(self._path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        while True:
            try:
                db.executescript(_SCHEMA)
                return db
            except sqlite3.OperationalError as error:
                # Where processes make the file at the same time, SQLite does not wait by itself.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= ends:
                    raise
            time.sleep(0.01)

    def _begin_anew(self) -> None:
        self._db = None
        if self._opened_as in ((0, 0), self._identity()):  # else another process has begun it anew
            for suffix in ("-wal", "-shm", ""):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)


@cache
def cache_file(path: str) -> _CacheFile:
    """Return the file of this path, the same one for all threads."""
    return _CacheFile(path)


# What may be cached ----------------------------------------------------------


def _refuse_what_needs_pickling(value: object) -> None:
    if type(value) not in (bytes, str, int):
        raise TypeError(f"only bytes, text and whole numbers are cached, not {type(value).__name__}")


class BytesAndText:
    """Serializer of Django's RedisCache for the same values: nothing in Redis can run as code either."""

    def dumps(self, value: bytes | str | int) -> bytes | int:
        _refuse_what_needs_pickling(value)
        if isinstance(value, int):
            return value  # Redis itself counts these
        return b"b" + value if isinstance(value, bytes) else b"t" + value.encode()

    def loads(self, data: bytes) -> bytes | str | int:
        """Return the value; a ValueError for what another program wrote."""
        kind, rest = data[:1], data[1:]
        if kind == b"b":
            return rest
        return rest.decode() if kind == b"t" else int(data)
