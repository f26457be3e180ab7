"""One look at what is known: the current generations of lists, and what stands in the way of asking.

However many lists a view needs, the shared cache is asked once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..problems import Progress
from . import guard, shared_cache, store
from .store import Generation, Kept
from .subjects import Subject

Known = tuple[Generation, Kept[Any]]


@dataclass(frozen=True)
class Look:
    """What is known of one list: a generation of it, notes of earlier calls, a walk that is under way."""

    subject: Subject
    known: Known | None
    notes: guard.Notes
    progress: Progress | None


def look_at(*subjects: Subject) -> list[Look]:
    """Return what is known of each list, by one look-up in the shared cache."""
    found = shared_cache.get_many({key: None for subject in subjects for key in _keys(subject)})
    return [_look(subject, found) for subject in subjects]


def _keys(subject: Subject) -> tuple[str, ...]:
    return store.pointer_key(subject.key), progress_key(subject), *subject.call.note_keys


def progress_key(subject: Subject) -> str:
    return f"progress:{subject.key}"


def _look(subject: Subject, found: dict[str, shared_cache.Value]) -> Look:
    progress = found.get(progress_key(subject))
    return Look(
        subject=subject,
        known=_known(subject, found),
        notes=guard.notes_of(subject.call, found),
        progress=Progress.from_text(str(progress)) if progress else None,
    )


def _known(subject: Subject, found: dict[str, shared_cache.Value]) -> Known | None:
    key = store.pointer_key(subject.key)
    # A second look, since a newer generation may have taken the pages of the first away.
    for again in (False, True):
        if again:
            found = shared_cache.get_many([key])
        generation = store.current(subject.key, found)
        if generation is None:
            return None
        kept = store.kept_of(generation, subject.decoded)
        if kept is not None:
            return generation, kept
    return None
