"""What all processes and servers share: notes with an end, and leases, as rows of the portal's database.

This module alone knows where that is. A database that is busy or full costs speed and never a page: what
cannot be written is remembered by this process, so that a key that was refused stays held, and is written
with the next note.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, TypeVar

import msgspec
from django.db import connection, transaction
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.utils import Error as DatabaseError

from ...models import Note

log = logging.getLogger(__name__)

COUNTED_SECONDS = 60
# Ended notes are deleted once in that time, by whoever writes one.
PRUNE_SECONDS = 600.0
MOST_UNWRITTEN = 1000

Found = Mapping[str, str]
Kind = TypeVar("Kind")
Result = TypeVar("Result")


def get_many(keys: Iterable[str]) -> dict[str, str]:
    """Return the notes that are there, by one query; only this process's own where that fails."""
    keys = list(keys)
    nothing: dict[str, str] = {}
    found = asked(lambda: _notes_alive(keys), nothing) if keys else nothing
    return found | {key: text for key in keys if (text := _unwritten_text(key)) is not None}


def _notes_alive(keys: list[str]) -> dict[str, str]:
    """Return what the database has of these notes. Raises django.db.Error."""
    sql = f"""SELECT key, text FROM backups_note WHERE key IN ({", ".join(["%s"] * len(keys))})
        AND (ends IS NULL OR ends > {_NOW[connection.vendor]})"""
    with connection.cursor() as cursor:
        cursor.execute(sql, keys)
        return dict(cursor.fetchall())


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decoded(text: str | None, kind: type[Kind]) -> Kind | None:
    """Return what `encoded` made text of, None for what another version of the portal wrote."""
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.DecodeError:
        return None


def note(kind: type[Kind], key: str, found: Found | None = None) -> Kind | None:
    """Return a note, out of what `get_many` found where that is given."""
    found = get_many([key]) if found is None else found
    return decoded(found.get(key), kind)


def write(key: str, value: object, *, seconds: float | None) -> None:
    """Keep a note for so many seconds, or for ever."""
    earlier = _all_unwritten()
    notes = earlier | {key: _Unwritten.new(encoded(value), seconds)}

    def written() -> bool:
        # In one order, so that no two of all processes wait for each other.
        rows = [
            Note(key=key, text=one.text, ends=_end(one.seconds_left)) for key, one in sorted(notes.items())
        ]
        Note.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["key"], update_fields=["text", "ends"]
        )
        return True

    if asked(written, False):
        _forget_unwritten(earlier)
    else:
        _keep_unwritten(key, notes[key])
    _prune_at_times()


def replace(key: str, old: str, new: str) -> bool:
    """Write a note that lasts for ever in the place of what it was; tell whether it still was that."""
    return _execute("UPDATE backups_note SET text = %s WHERE key = %s AND text = %s", new, key, old) == 1


def add(key: str, text: str = "", *, seconds: float, is_likely: bool = False) -> bool | None:
    """Note that something is done: of all who try at once, one is told True; None where nobody can tell.

    `is_likely`: it is hardly ever noted already.
    """

    def added() -> bool:
        # To look first takes no lock: most who try come late.
        if not is_likely and Note.objects.filter(key=key, ends__gt=Now()).exists():
            return False
        return _execute(_ADD[connection.vendor], key, text or secrets.token_hex(8), seconds) == 1

    return asked(added, None)


def take_back(key: str, text: str) -> None:
    """Delete a note of which it is known that it is there."""
    asked(lambda: _execute("DELETE FROM backups_note WHERE key = %s AND text = %s", key, text), 0)


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


def drop(*keys: str, text: str | None = None) -> None:
    """Delete notes; with `text` only those that say so."""
    with _lock:
        for key in keys:
            _unwritten.pop(key, None)
    notes = Note.objects.filter(key__in=keys, **({} if text is None else {"text": text}))
    asked(lambda: notes.exists() and notes.delete(), None)


def count(what: str, now: float, step: int = 1) -> int:
    """Count one more in the current minute, or with a `step` of -1 one less; return how many there are.

    While the database cannot be written nobody is counted.
    """
    key = f"rate:{what}:{int(now // COUNTED_SECONDS)}"

    def counted() -> int:
        with transaction.atomic():
            row = Note.objects.select_for_update().filter(key=key).first()
            number = (int(row.text) if row else 0) + step
            Note.objects.update_or_create(
                key=key, defaults={"text": str(number), "ends": _end(2 * COUNTED_SECONDS)}
            )
        return number

    return asked(counted, 0)


def _end(seconds: float | None) -> Combinable | None:
    return None if seconds is None else Now() + timedelta(seconds=seconds)


def asked(ask: Callable[[], Result], otherwise: Result) -> Result:
    """Return what the database is asked; `otherwise` where it is away, busy or full."""
    try:
        return ask()
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return otherwise


@contextmanager
def sharing_the_writer() -> Iterator[None]:
    """Write a part of much, then leave SQLite, which has one writer at a time, to others for as long.

    Who waits for it looks only now and then.
    """
    began = time.monotonic()
    yield
    if connection.vendor == "sqlite":
        time.sleep(time.monotonic() - began)


def release_connection() -> None:
    """Give the connection of a thread that is no request's back, for while it does something else.

    Those to PostgreSQL are few, and shared; one to SQLite is only a file that is open.
    """
    if connection.vendor != "sqlite":
        connection.close()


def close_connection() -> None:
    """Close the connection of a thread that ends."""
    connection.close()


_pruned = 0.0


def _prune_at_times() -> None:
    global _pruned
    if time.monotonic() - _pruned > PRUNE_SECONDS:
        _pruned = time.monotonic()
        asked(Note.objects.filter(ends__lt=Now() - timedelta(seconds=PRUNE_SECONDS)).delete, None)


# What could not be written --------------------------------------------------------


class _Unwritten(NamedTuple):
    text: str
    ends: float | None

    @classmethod
    def new(cls, text: str, seconds: float | None) -> _Unwritten:
        return cls(text, None if seconds is None else time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float | None:
        return None if self.ends is None else self.ends - time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self.ends is None or time.monotonic() < self.ends


_lock = threading.Lock()
_unwritten: OrderedDict[str, _Unwritten] = OrderedDict()


def _unwritten_text(key: str) -> str | None:
    own = _unwritten.get(key)
    return own.text if own and own.is_alive else None


def _all_unwritten() -> dict[str, _Unwritten]:
    with _lock:
        return {key: one for key, one in _unwritten.items() if one.is_alive}


def _forget_unwritten(notes: Mapping[str, _Unwritten]) -> None:
    with _lock:
        for key, one in notes.items():
            if _unwritten.get(key) is one:
                del _unwritten[key]


def _keep_unwritten(key: str, one: _Unwritten) -> None:
    with _lock:
        _unwritten[key] = one
        _unwritten.move_to_end(key)
        while len(_unwritten) > MOST_UNWRITTEN:
            _unwritten.popitem(last=False)


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with _lock:
        _unwritten.clear()
