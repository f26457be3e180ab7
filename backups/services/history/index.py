"""What a generation's records are filtered, counted and ordered by: reckoned once, kept with the generation.

A set of records is one whole number: bit n stands for the n-th record of the
default order, newest first. Sets then meet in a microsecond, so that a view of
10,000 records costs little more than its rows. Next to the records themselves
an index of 10,000 takes some 100 kB, and 20 kB for each order that was asked for.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress, islice
from typing import Any, TypeVar, cast

from ...dcs.records import FORMATS, STATUSES, TYPES, BackupRecord
from ..eligibility import service_word

OTHER = "other"
ERROR_CODE = r"dcs\.[0-9]{2}\.[0-9]{4}"
RESTORABLE = ("yes", "no", "unknown")
DEFAULT_SORT = "-started"
# Sets of searched words that are kept: 1.25 kB each for 10,000 records.
MOST_WORDS = 64
# Answers that are kept: some 4 kB each.
MOST_ANSWERS = 64

VALUES: dict[str, tuple[str, ...]] = {
    "status": (*STATUSES, OTHER),
    "type": (*TYPES, OTHER),
    "format": (*FORMATS, OTHER),
    "restorable": RESTORABLE,
}

_VALUE_OF: dict[str, Callable[[BackupRecord], str]] = {
    "status": lambda r: _or_other(r.status, STATUSES),
    "type": lambda r: _or_other(r.type, TYPES),
    "format": lambda r: _or_other(r.format, FORMATS),
    "restorable": service_word,
    "error": lambda r: r.error_code,
}

_STATUS_ORDER = {status: place for place, status in enumerate(STATUSES)}

_SORT_VALUE: dict[str, Callable[[BackupRecord], Any]] = {
    "started": lambda r: r.started_at,
    "created": lambda r: r.created_at,
    "finished": lambda r: r.finished_at,
    "duration": lambda r: r.duration,
    "size": lambda r: r.size_bytes,
    "status": lambda r: (_STATUS_ORDER.get(r.status, len(_STATUS_ORDER)), r.status) if r.status else None,
    "type": lambda r: r.type or None,
    "name": lambda r: r.name.casefold() or None,
}
SORTS = tuple(_SORT_VALUE)

Places = Sequence[int]
Answer = TypeVar("Answer")


class HistoryIndex:
    """The records of one generation in the default order, with the sets and orders that filters need.

    Threads share it: what is made on demand may be made twice at the same time, and is the same.
    """

    def __init__(self, records: Iterable[BackupRecord]) -> None:
        records = tuple(records)
        self.records = tuple([records[place] for place in _order(records, DEFAULT_SORT)])
        self.all = (1 << len(self.records)) - 1
        self._sets = {name: _sets_of(self.records, value_of) for name, value_of in _VALUE_OF.items()}
        # Negative, since bisection wants what grows: the records without a time come after these.
        self._started = array("q", (-_microseconds(r.started_at) for r in self.records if r.started_at))
        self._orders: dict[str, array[int]] = {}
        self._columns: tuple[_Column, ...] | None = None
        self._words: dict[str, int] = {}
        self._answers: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.records)

    # Sets

    def having(self, name: str, value: str) -> int:
        """Return the set of the records with this value of a filter."""
        return self._sets[name].get(value, 0)

    def error_codes(self) -> Iterable[str]:
        """Return the codes that occur and that a link may carry."""
        return self._sets["error"]

    def started_within(self, start: datetime | None, end: datetime | None) -> int:
        """Return the set of the records that started at or after `start` and before `end`."""
        if start is None and end is None:
            return self.all
        newest = bisect_right(self._started, -_microseconds(end)) if end else 0
        oldest = bisect_right(self._started, -_microseconds(start)) if start else len(self._started)
        return (1 << oldest) - (1 << newest) if newest < oldest else 0

    @property
    def timeless(self) -> int:
        """The set of the records without a time that can be read."""
        return self.all & -(1 << len(self._started))

    def with_word(self, word: str) -> int:
        """Return the set of the records with this case-folded word in name, id, remark or error code."""
        found = self._words.get(word)
        if found is None:
            if self._columns is None:
                self._columns = _columns_of(self.records)
            found = 0
            for column in self._columns:
                found |= column.having(word)
            if len(self._words) >= MOST_WORDS:
                self._words.clear()
            self._words[word] = found
        return found

    def answer(self, question: Hashable, find: Callable[[], Answer]) -> Answer:
        """Return what `find` found when this question was last asked of these records."""
        try:
            return cast(Answer, self._answers[question])
        except KeyError:
            found = find()
        if len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
        self._answers[question] = found
        return found

    # Orders

    def newest(self, found: int) -> BackupRecord | None:
        """Return the first record of a set in the default order, if it has a time."""
        place = (found & -found).bit_length() - 1
        return self.records[place] if 0 <= place < len(self._started) else None

    def places(self, found: int, sort: str, start: int = 0, stop: int | None = None) -> Places:
        """Return the places in `records` of a part of a set in an order."""
        chosen: Iterable[int] = self._order(sort)
        if found != self.all:
            bits = _bits(found, len(self.records))
            chosen = compress(chosen, bits if sort == DEFAULT_SORT else map(bits.__getitem__, chosen))
        return tuple(islice(chosen, start, stop))

    def _order(self, sort: str) -> Sequence[int]:
        if sort == DEFAULT_SORT:
            return range(len(self.records))
        order = self._orders.get(sort)
        if order is None:
            small = len(self.records) <= 0x10000
            order = self._orders[sort] = array("H" if small else "I", _order(self.records, sort))
        return order


def _order(records: Sequence[BackupRecord], sort: str) -> list[int]:
    """Order by one field, ties by backup_id, records without the value last in both directions."""
    by_id = sorted(range(len(records)), key=lambda place: records[place].key)
    values = list(map(_SORT_VALUE[sort.removeprefix("-")], records))
    valued = [place for place in by_id if values[place] is not None]
    valued.sort(key=values.__getitem__, reverse=sort.startswith("-"))
    return valued + [place for place in by_id if values[place] is None]


def _or_other(value: str, known: Sequence[str]) -> str:
    return value if value in known else OTHER


def _microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


# Sets of places as whole numbers ---------------------------------------------


def _sets_of(records: Sequence[BackupRecord], value_of: Callable[[BackupRecord], str]) -> dict[str, int]:
    places: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        places.setdefault(value_of(record), []).append(place)
    if value_of is _VALUE_OF["error"]:
        places = {code: found for code, found in places.items() if re.fullmatch(ERROR_CODE, code)}
    return {value: _set(found, len(records)) for value, found in places.items()}


def _set(places: Iterable[int], size: int) -> int:
    digits = bytearray(b"0") * size
    for place in places:
        digits[-1 - place] = 0x31
    return int(digits or b"0", 2)


_ZEROS_AND_ONES = bytes.maketrans(b"01", b"\0\1")


def _bits(found: int, size: int) -> bytes:
    """Return one byte, 0 or 1, for each place."""
    return f"{found:0{size}b}".encode().translate(_ZEROS_AND_ONES)[::-1]


# Words -----------------------------------------------------------------------


class _Column:
    """One text of each record. Texts that repeat are looked at once."""

    def __init__(self, texts: Sequence[str]) -> None:
        places: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)
        places.pop("", None)
        self._letters = frozenset("".join(places))
        self._size = len(texts)
        self._texts: Sequence[str] = ()
        self._sets: dict[str, int] = {}
        if len(places) > self._size // 100:
            self._texts = texts
        else:
            self._sets = {text: _set(found, self._size) for text, found in places.items()}

    def having(self, word: str) -> int:
        # Most words cannot be in most columns: an id has no "n" of "nightly".
        if not self._letters.issuperset(word):
            return 0
        found = 0
        for text, places in self._sets.items():
            if word in text:
                found |= places
        if self._texts:
            found |= int("".join(["1" if word in text else "0" for text in reversed(self._texts)]), 2)
        return found


def _columns_of(records: Sequence[BackupRecord]) -> tuple[_Column, ...]:
    return (
        _Column([_folded(record.name) for record in records]),
        _Column([_folded(record.backup_id) for record in records]),
        _Column([_folded(record.description) for record in records]),
        _Column([_folded(record.error_code) for record in records]),
    )


def _folded(text: str) -> str:
    """Return the text itself where nothing is to be folded, so that it is not held twice."""
    folded = text.casefold()
    return text if folded == text else folded
