"""What all processes and servers share: notes with an end, and leases, as rows of the portal's database.

This module alone knows where that is. A database that is busy or full costs speed and never a page: what
cannot be written is remembered by this process, so that a key that was refused stays held.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

import msgspec
from django.db import connection, transaction
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.utils import Error as DatabaseError

from ...models import Note

log = logging.getLogger(__name__)

COUNTED_SECONDS = 60
MOST_UNWRITTEN = 1000

Kind = TypeVar("Kind")
Result = TypeVar("Result")

# What could not be written, and until when (of time.monotonic()) it holds.
_unwritten: dict[str, tuple[str, float]] = {}
_lock = threading.Lock()


def get_many(keys: Iterable[str]) -> dict[str, str]:
    """Return the notes that are there, by one query; only this process's own where that fails."""
    keys, nothing = list(keys), dict[str, str]()
    found = asked(lambda: _notes_alive(keys), nothing) if keys else nothing
    with _lock:
        own = {key: _unwritten[key] for key in keys if key in _unwritten}
    return found | {key: text for key, (text, ends) in own.items() if time.monotonic() < ends}


def _notes_alive(keys: list[str]) -> dict[str, str]:
    sql = f"""SELECT key, text FROM backups_note WHERE key IN ({", ".join(["%s"] * len(keys))})
        AND (ends IS NULL OR ends > {_NOW[connection.vendor]})"""
    with connection.cursor() as cursor:
        cursor.execute(sql, keys)
        return dict(cursor.fetchall())


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decoded(text: str | None, kind: type[Kind]) -> Kind | None:
    """Return a note's value, None for what another version of the portal wrote."""
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.DecodeError:
        return None


def note(kind: type[Kind], key: str) -> Kind | None:
    return decoded(get_many([key]).get(key), kind)


def write(key: str, value: object, *, seconds: float) -> None:
    """Keep a note for so many seconds; by this process alone until the database can be written."""
    now = time.monotonic()
    with _lock:
        notes = {one: (text, ends) for one, (text, ends) in _unwritten.items() if ends > now}
    notes[key] = encoded(value), now + seconds

    def written() -> bool:
        rows = [Note(key=one, text=text, ends=_end(ends - now)) for one, (text, ends) in notes.items()]
        fields = ["text", "ends"]
        Note.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=fields)
        return True

    is_written = asked(written, False)
    with _lock:
        _unwritten.pop(key, None)
        if not is_written:
            _unwritten[key] = notes[key]
        for one in notes.keys() & _unwritten.keys() if is_written else ():
            if _unwritten[one] == notes[one]:
                del _unwritten[one]
        if len(_unwritten) > MOST_UNWRITTEN:
            del _unwritten[next(iter(_unwritten))]


def replace(key: str, old: str, new: str) -> bool:
    """Write a note that lasts for ever in the place of what it was; tell whether it still was that."""
    return _execute("UPDATE backups_note SET text = %s WHERE key = %s AND text = %s", new, key, old) == 1


def add(key: str, text: str = "", *, seconds: float) -> bool | None:
    """Note that something is done: of all who try at once, one is told True; None where nobody can tell."""
    values = key, text or secrets.token_hex(8), seconds

    def added() -> bool:
        # To look first takes no lock: most who try come late.
        return not _notes_alive([key]) and _execute(_ADD[connection.vendor], *values) == 1

    return asked(added, None)


_NOW = {"sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')", "postgresql": "STATEMENT_TIMESTAMP()"}
_IN_SECONDS = {
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', %s || ' seconds')",
    "postgresql": "STATEMENT_TIMESTAMP() + make_interval(secs => %s)",
}
# Django has no words for a condition beside ON CONFLICT, without which two could add the same.
_ADD = {
    vendor: f"""INSERT INTO backups_note (key, text, ends) VALUES (%s, %s, {_IN_SECONDS[vendor]})
        ON CONFLICT (key) DO UPDATE SET text = excluded.text, ends = excluded.ends
        WHERE backups_note.ends <= {now}"""
    for vendor, now in _NOW.items()
}


def _execute(sql: str, *values: str | float) -> int:
    """Run a statement, and return how many rows it changed. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def claim(key: str, text: str, *, seconds: float) -> bool:
    """Note that something goes on, for so many seconds from now; False where the note says another text."""
    if add(key, text, seconds=seconds) is not False:
        return True
    prolong([key], text, seconds=seconds)
    return holds(key, text)


def prolong(keys: Iterable[str], text: str, *, seconds: float) -> None:
    """Let what `add` noted with that text last longer, where it has not ended."""
    mine = Note.objects.filter(key__in=list(keys), text=text, ends__gt=Now())
    asked(lambda: mine.update(ends=_end(seconds)), 0)


def holds(key: str, text: str) -> bool:
    """Tell whether the note is there with that text; also where nobody can tell."""
    return asked(lambda: Note.objects.filter(key=key, text=text, ends__gt=Now()).exists(), True)


def release(key: str, text: str) -> None:
    """Take back what was noted with that text."""
    asked(lambda: _execute("DELETE FROM backups_note WHERE key = %s AND text = %s", key, text), 0)


def drop(*keys: str) -> None:
    with _lock:
        for key in keys:
            _unwritten.pop(key, None)
    asked(Note.objects.filter(key__in=keys).delete, None)


def count(what: str, now: float, step: int = 1) -> int:
    """Count in the current minute, and return how many there are; 0 while the database cannot be written."""
    key = f"rate:{what}:{int(now // COUNTED_SECONDS)}"

    def counted() -> int:
        with transaction.atomic():
            row, _ = Note.objects.select_for_update().get_or_create(
                key=key, defaults={"text": "0", "ends": _end(2 * COUNTED_SECONDS)}
            )
            number = int(row.text) + step
            Note.objects.filter(key=key).update(text=str(number))
        return number

    return asked(counted, 0)


def _end(seconds: float) -> Combinable:
    return Now() + timedelta(seconds=seconds)


def asked(ask: Callable[[], Result], otherwise: Result) -> Result:
    """Return what the database is asked; `otherwise` where it is away, busy or full."""
    try:
        return ask()
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return otherwise


def leave_the_writer(began: float) -> None:
    """Leave SQLite, which has one writer at a time, to others for as long as a part of much took to write."""
    if connection.vendor == "sqlite":
        time.sleep(time.monotonic() - began)


def release_connection() -> None:
    """Give back a thread's connection to PostgreSQL, of which there are few, while it does something else."""
    if connection.vendor != "sqlite":
        connection.close()
