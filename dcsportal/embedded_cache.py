"""The embedded cache: one SQLite file that all processes of this machine share, without any server.

A Django cache backend for bytes, text and whole numbers, so that nothing in the file can run as
code. Chosen by measurement (docs/performance.md): Django's file and database backends pickle, and
cost several times as much for a look-up. What breaks in it is raised as sqlite3.Error or OSError;
a file that is no database any more is begun anew, since a cache may be lost at any time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from backups.services.shared_cache import is_busy

Result = TypeVar("Result")
_Rows = list[tuple[str, Any, float]]

SWEEP_SECONDS = 30.0
MAX_BYTES = 1024**3
# How long a write waits for another process's, in milliseconds.
BUSY_MS = 500
# What a connection remembers: the small texts that each view asks for, not the pages of lists.
LARGEST_REMEMBERED = 16_384
MOST_REMEMBERED = 64

_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    # A power cut may cost the cache: then it is begun anew.
    "PRAGMA synchronous=OFF",
    "PRAGMA cache_size=-512",
    f"PRAGMA mmap_size={256 * 1024**2}",
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value, expires REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires);
"""
_UPSERT = (
    "INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
_FOREVER = float(2**53)
# How many rows one transaction drops, so that no other process's write has to wait for long.
_DROPPED_AT_ONCE = 50

# SQLite lets those who wait try again ever more seldom: threads of one process queue here instead.
_queue = threading.Lock()


class _Connection(sqlite3.Connection):
    """Remembers what it read until somebody writes: to ask whether anybody did costs a tenth of a look-up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._as_of = -1
        self._found: dict[tuple[str, ...], tuple[_Rows, float]] = {}

    def look_up(self, keys: tuple[str, ...]) -> _Rows:
        """Return key, value and expiry of what is there. Whoever writes by this connection must `forget`."""
        # SQLite's own count of what other connections, and other processes, have committed.
        as_of = self.execute("PRAGMA data_version").fetchone()[0]
        if as_of != self._as_of:
            self.forget()
            self._as_of = as_of
        now = time.time()
        rows, ends = self._found.get(keys, ([], 0.0))
        if ends > now:
            return rows
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, value, expires FROM entries WHERE key IN ({marks}) AND expires > ?"
        rows = self.execute(query, (*keys, now)).fetchall()
        if sum(len(value) for _, value, _ in rows if not isinstance(value, int)) < LARGEST_REMEMBERED:
            if len(self._found) >= MOST_REMEMBERED:
                self.forget()
            self._found[keys] = rows, min((expires for _, _, expires in rows), default=_FOREVER)
        return rows

    def forget(self) -> None:
        self._found.clear()


class EmbeddedCache(BaseCache):
    """Django's cache interface over one SQLite file; `location` is its path."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = Path(location)
        # Connections are dear to open: each is used by one thread at a time and handed on.
        self._idle: deque[_Connection] = deque()
        self._owner: tuple[int, int] = (0, 0)
        self._swept = 0.0
        self._made_keys: dict[tuple[tuple[str, ...], int | None], dict[str, str]] = {}

    # Django's interface ------------------------------------------------------

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        made = self._made(tuple(keys), version)
        rows = self._read(lambda db: db.look_up(tuple(made)))
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
            self._write(partial(_upsert, row))
        self._sweep_at_times()
        return []

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set where nothing is: of all processes that try at once, one is told True."""
        row = (self.make_and_validate_key(key, version=version), _plain(value), self._expiry(timeout))
        query = f"{_UPSERT} WHERE entries.expires <= ?"
        return self._write(lambda db: db.execute(query, (*row, time.time())).rowcount) > 0

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count, in one step that no other process can come between. Raises ValueError where nothing is."""
        made = self.make_and_validate_key(key, version=version)
        query = "UPDATE entries SET value = value + ? WHERE key = ? AND expires > ? RETURNING value"
        rows = self._write(lambda db: db.execute(query, (delta, made, time.time())).fetchall())
        if not rows:
            raise ValueError(f"Key '{key}' not found")
        return int(rows[0][0])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        row = (self._expiry(timeout), self.make_and_validate_key(key, version=version), time.time())
        query = "UPDATE entries SET expires = ? WHERE key = ? AND expires > ?"
        return self._write(lambda db: db.execute(query, row).rowcount) > 0

    def delete(self, key: str, version: int | None = None) -> bool:
        made = self.make_and_validate_key(key, version=version)
        return self._write(lambda db: db.execute("DELETE FROM entries WHERE key = ?", (made,)).rowcount) > 0

    def clear(self) -> None:
        self._write(lambda db: db.execute("DELETE FROM entries"))

    def close(self, **kwargs: Any) -> None:
        """Keep the connections after a request: opening one costs as much as fifty look-ups."""

    # The file ----------------------------------------------------------------

    def _expiry(self, timeout: Any) -> float:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return _FOREVER if seconds is None else time.time() + float(seconds)

    def _write(self, write: Callable[[sqlite3.Connection], Result]) -> Result:
        def work(db: _Connection) -> Result:
            db.forget()
            return write(db)

        mine = _queue.acquire(timeout=BUSY_MS / 1000)
        try:
            return self._read(work)
        finally:
            if mine:
                _queue.release()

    def _read(self, work: Callable[[_Connection], Result]) -> Result:
        try:
            with self._connection() as db:
                return work(db)
        except sqlite3.OperationalError:
            raise  # busy, full, or gone: the file itself may be well
        except sqlite3.DatabaseError:
            self._begin_anew()
            with self._connection() as db:
                return work(db)

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        if self._owner[0] != os.getpid():
            # What a parent process opened is not this one's to use.
            self._idle, self._owner = deque(), (os.getpid(), self._owner[1])
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._open()
        try:
            yield db
        except BaseException:
            db.close()
            raise
        self._idle.append(db)

    def _open(self) -> _Connection:
        ends = time.monotonic() + BUSY_MS / 1000
        while True:
            try:
                return self._opened()
            except sqlite3.OperationalError as error:
                # Where processes make the file at the same time, SQLite does not wait by itself.
                if not is_busy(error) or time.monotonic() >= ends:
                    raise
            time.sleep(0.01)

    def _opened(self) -> _Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, factory=_Connection)
        try:
            for pragma in _PRAGMAS:
                db.execute(pragma)
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        finally:
            self._owner = (os.getpid(), self._inode())
        return db

    def _inode(self) -> int:
        """Return which file there is, 0 for none."""
        try:
            return os.stat(self._path).st_ino
        except FileNotFoundError:
            return 0

    def _begin_anew(self) -> None:
        self._forget_connections()
        if self._inode() != self._owner[1]:
            return  # another process has begun it anew
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _forget_connections(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _sweep_at_times(self) -> None:
        """Drop what has expired, and the half that expires first where the file grew beyond its bound."""
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept = time.monotonic()
        if self._inode() != self._owner[1]:
            self._forget_connections()  # somebody took the file away: all must meet in the new one
            return
        while self._drop_some("WHERE expires <= ?", time.time()) == _DROPPED_AT_ONCE:
            pass
        if self._read(_bytes_used) > MAX_BYTES:
            half = self._read(lambda db: db.execute("SELECT count(*) FROM entries").fetchone()[0]) // 2 + 1
            for dropped in range(0, half, _DROPPED_AT_ONCE):
                self._drop_some("ORDER BY expires", most=half - dropped)

    def _drop_some(self, which: str, *values: float, most: int = _DROPPED_AT_ONCE) -> int:
        some = f"SELECT key FROM entries {which} LIMIT {min(most, _DROPPED_AT_ONCE)}"
        query = f"DELETE FROM entries WHERE key IN ({some})"
        return self._write(lambda db: db.execute(query, values).rowcount)


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
