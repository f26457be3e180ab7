"""A query string that may have been damaged on its way -> its parameters, and what was mended or left unread.

A value that can be read is never altered. A parameter whose name is only known after something was
undone, or that holds a known name and `=`, is mended or named: it is never ignored in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol
from urllib.parse import unquote_plus

from .transport import MOST_LAYERS, plain, undone, without_unseen

# What sentences put behind a link, or around it.
MARKS = ")]}>.,;:!?…\"'»”’`*_|。，）】」》、！；：？"
LEADING_MARKS = "([{<\"'«“‘`*_|（【「《"
_CHINESE_TAIL = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+$")
# What is left around a name of an `&` that was written as an entity or an escape, and of an escaped `=`.
_REMAINS = re.compile(r"^(?:amp;|#0*38;|#[xX]0*26;|\\?u0026|[\\^`?&;\s])+|[\\^`\s]+$")
_AND = re.compile(r"[\\^`]*&(?:amp;|#0*38;|#[xX]0*26;)*")
_ESCAPES = "\\^"
# To read a value costs up to 0.1 ms; no link that anybody made needs as many.
MOST_READS = 60


class Grammar(Protocol):
    """What the parameters of a page are, and which values they take."""

    def knows(self, name: str) -> bool: ...

    def reads(self, name: str, value: str) -> bool: ...


@dataclass(frozen=True)
class ReadQuery:
    """`pairs` are names and values in order; `mended` the parts, as they were sent, that were damaged.

    `unread` are those that look damaged and mean nothing certain.
    """

    pairs: tuple[tuple[str, str], ...]
    mended: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def read_query(text: str, grammar: Grammar) -> ReadQuery:
    """Read what stands behind the `?` of a link, as it was sent."""
    reader, mended = _Reader(grammar), []
    parts = [part for part in text.split("&") if part]
    # Quoted-printable, where it is certain: a single value may begin with 3D.
    is_quoted = len(parts) > 1 and all("=3D" in part for part in parts)
    for part in parts:
        reader.mended = is_quoted
        reader.read(part.replace("=3D", "=", 1) if is_quoted else part, MOST_LAYERS)
        mended += [part] if reader.mended else []
    return ReadQuery(tuple(reader.pairs), tuple(mended), tuple(reader.unread))


class _Reader:
    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.pairs: list[tuple[str, str]] = []
        self.unread: list[str] = []
        self.mended = False
        self.reads_left = MOST_READS

    def read(self, part: str, layers_left: int) -> None:
        raw_name, equals, raw_value = part.partition("=")
        name, value = unquote_plus(raw_name), unquote_plus(raw_value)
        if equals and (known := self._known_name(name)):
            self.mended = self.mended or known != name
            self._read_value(known, value, layers_left)
        elif layers_left and (inner := self._inner(part)):
            self.mended = True
            for one in _AND.split(inner):
                if one:
                    self.read(one, layers_left - 1)
        else:
            if self._names_a_known_one(part):
                self.unread.append(part)
            self.pairs.append((name, value))

    def _read_value(self, name: str, value: str, layers_left: int) -> None:
        if not value or self._reads(name, value):
            self.pairs.append((name, value))
            return
        first, *rest = _AND.split(undone(value))
        if rest and layers_left and all(self._is_pair(one) for one in rest):
            self.mended = True
            self._read_value(name, first, layers_left - 1)
            for one in rest:
                self.read(one, layers_left - 1)
            return
        for candidate in dict.fromkeys(_mended(value)):
            if candidate not in ("", value) and self._reads(name, candidate):
                self.mended, value = True, candidate
                break
        self.pairs.append((name, value))

    def _reads(self, name: str, value: str) -> bool:
        self.reads_left -= 1
        return self.reads_left > 0 and self.grammar.reads(name, value)

    def _known_name(self, name: str) -> str:
        """Return the known name, without what transport put before or into it; "" for any other."""
        clean = "".join(plain(_REMAINS.sub("", name)).split())
        return next((one for one in (name, clean) if self.grammar.knows(one)), "")

    def _inner(self, part: str) -> str:
        """Return a query that was encoded as a whole, undone until it begins with a known name."""
        decoded = islice(_decodings(part), 1, None)
        return next((text for text in decoded if self._is_pair(_AND.split(text)[0])), "")

    def _is_pair(self, part: str) -> bool:
        name, equals, _value = part.partition("=")
        return bool(equals and self._known_name(name))

    def _names_a_known_one(self, part: str) -> bool:
        decoded = islice(_decodings(part), MOST_LAYERS)
        return any(self.grammar.knows(name) for text in decoded for name in _NAME_AND_EQUALS.findall(text))


def without_marks(text: str) -> str:
    """Return a text without the marks of the sentence that it was copied from."""
    return without_unseen(text).strip(MARKS + LEADING_MARKS + " ")


def _decodings(text: str) -> Iterator[str]:
    """Yield the text, and what is left of it as one layer of `%` after another is undone."""
    yield text
    for _layer in range(MOST_LAYERS):
        before, text = text, unquote_plus(text)
        if text == before:
            return
        yield text


_NAME_AND_EQUALS = re.compile(r"(?<![A-Za-z0-9_])([a-z_]{1,20})(?==|%3D|%3d)")


def _mended(value: str) -> Iterator[str]:
    """Yield what an unreadable value may have been, the most like it first."""
    for text in _decodings(undone(value)):
        yield text
        stripped = text.removeprefix("3D").strip().lstrip(LEADING_MARKS)
        yield stripped
        for _run in range(MOST_LAYERS):
            stripped = _CHINESE_TAIL.sub("", stripped.rstrip(MARKS + _ESCAPES).rstrip())
            yield stripped
        yield plain(stripped)
        yield "".join(plain(stripped).split())
