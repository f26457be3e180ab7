"""The file of the embedded cache, and the connections to it that all threads of a process share.

Django gives each thread a cache object of its own. A connection is dear to open and holds memory and
files, so it belongs to none of them: each is used by one thread at a time and handed on.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from backups.services.listings import is_busy

Result = TypeVar("Result")
Rows = list[tuple[str, Any, float]]

# How long a write waits for another process's, in milliseconds.
BUSY_MS = 500
# More than that many threads seldom look at once.
MOST_IDLE = 8
# What a connection remembers: the small texts that each view asks for, not the pages of lists.
LARGEST_REMEMBERED = 16_384
MOST_REMEMBERED = 64
FOREVER = float(2**53)

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

# SQLite lets those who wait try again ever more seldom: threads of one process queue here instead.
_queue = threading.Lock()


class Connection(sqlite3.Connection):
    """Remembers what it read until somebody writes: to ask whether anybody did costs a tenth of a look-up."""

    # Which file it is open to: another one may have been put in its place.
    inode = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._as_of = -1
        self._found: dict[tuple[str, ...], tuple[Rows, float]] = {}

    def look_up(self, keys: tuple[str, ...]) -> Rows:
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
            self._found[keys] = rows, min((expires for _, _, expires in rows), default=FOREVER)
        return rows

    def forget(self) -> None:
        self._found.clear()


class CacheFile:
    """One file as this process knows it. What breaks is raised as sqlite3.Error or OSError."""

    def __init__(self, path: str) -> None:
        self.swept = 0.0
        self._path = Path(path)
        self._idle: deque[Connection] = deque()
        self._pid = 0
        self._inode = 0

    def write(self, write: Callable[[Connection], Result]) -> Result:
        def work(db: Connection) -> Result:
            db.forget()
            return write(db)

        mine = _queue.acquire(timeout=BUSY_MS / 1000)
        try:
            return self.read(work)
        finally:
            if mine:
                _queue.release()

    def read(self, work: Callable[[Connection], Result]) -> Result:
        inode = 0
        try:
            with self._connection() as db:
                inode = db.inode
                return work(db)
        except sqlite3.OperationalError:
            raise  # busy, full, or gone: the file itself may be well
        except sqlite3.DatabaseError:
            self._begin_anew(inode or self._inode_of_path())
        with self._connection() as db:
            return work(db)

    def is_another(self) -> bool:
        """Whether somebody took the file away since it was opened."""
        return self._inode_of_path() != self._inode

    def forget_connections(self) -> None:
        self._inode = 0  # those in use are closed when they come back
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._pid != os.getpid():
            # What a parent process opened is not this one's to use.
            self._idle, self._pid = deque(), os.getpid()
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._open()
        try:
            yield db
        except BaseException:
            db.close()
            raise
        if db.inode == self._inode and len(self._idle) < MOST_IDLE:
            self._idle.append(db)
        else:
            db.close()

    def _open(self) -> Connection:
        ends = time.monotonic() + BUSY_MS / 1000
        while True:
            try:
                return self._opened()
            except sqlite3.OperationalError as error:
                # Where processes make the file at the same time, SQLite does not wait by itself.
                if not is_busy(error) or time.monotonic() >= ends:
                    raise
            time.sleep(0.01)

    def _opened(self) -> Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, factory=Connection)
        try:
            for pragma in _PRAGMAS:
                db.execute(pragma)
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        self._inode = db.inode = self._inode_of_path()
        return db

    def _inode_of_path(self) -> int:
        """Return which file there is, 0 for none."""
        try:
            return os.stat(self._path).st_ino
        except FileNotFoundError:
            return 0

    def _begin_anew(self, inode: int) -> None:
        self.forget_connections()
        if self._inode_of_path() != inode:
            return  # another thread, or another process, has begun it anew
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)


@cache
def cache_file(path: str) -> CacheFile:
    """Return the file of this path, the same one for all threads."""
    return CacheFile(path)
