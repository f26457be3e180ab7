"""How one parameter of a query is read: each kind of field names what of its value cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .dcs.fields import span_of
from .services.history import MOST_PER_PAGE, PER_PAGE
from .services.pasted import iso_time
from .services.words import Words, zone_names

LONGEST_SEARCH = 200
MOST_VALUES = 50


def unreadable(value: str, sentence: Any, guesses: tuple[datetime, ...] = ()) -> forms.ValidationError:
    return forms.ValidationError(sentence, params={"value": value, "guesses": guesses})


def _one_of(codes: Iterable[str]) -> Words:
    return format_lazy(_("it must be one of: {codes}"), codes=", ".join(codes))


class Repeatable(forms.Field):
    """A parameter with any number of values: of `codes`, or of a form that `must` describes."""

    widget = forms.MultipleHiddenInput

    def __init__(
        self,
        codes: Sequence[str] = (),
        pattern: str = "",
        must: Words = "",
        normal: Callable[[str], str] = str.lower,
    ) -> None:
        super().__init__(required=False)
        self.codes, self.normal, self.must = codes, normal, must or _one_of(codes)
        self.pattern = re.compile(pattern, re.IGNORECASE | re.ASCII)

    def clean(self, value: Any) -> tuple[str, ...]:
        texts = [text for text in value or () if text.strip()]
        for text in texts:
            if text not in self.codes if self.codes else not self.pattern.fullmatch(text):
                raise unreadable(text, self.must)
        values = tuple(dict.fromkeys(texts if self.codes else map(self.normal, texts)))
        if len(values) > MOST_VALUES:
            raise unreadable(values[MOST_VALUES], _("there are too many values"))
        return values


class Single(forms.Field):
    """A parameter that has one value, or "": two different ones mean nothing, whichever comes last."""

    widget = forms.MultipleHiddenInput

    def __init__(self, read: Callable[[str], Any] | None = None) -> None:
        super().__init__(required=False)
        self.read = read or forms.CharField(required=False).clean

    def clean(self, value: Any) -> Any:
        texts = list(dict.fromkeys(text for text in value or () if text.strip()))
        if len(texts) > 1:
            raise unreadable(", ".join(texts), _("it takes one value, but the link gives several"))
        return self.read(texts[0] if texts else "")


def code(codes: Iterable[str], default: str = "", must: Words = "") -> Single:
    """Return a parameter of known codes."""
    known = list(codes)

    def read(text: str) -> str:
        if text and text not in known:
            raise unreadable(text, must or _one_of(known))
        return text or default

    return Single(read)


def sort(names: Iterable[str], default: str) -> Single:
    return code([*names, *(f"-{name}" for name in names)], default)


def per_page(default: int) -> Single:
    return code(map(str, (*PER_PAGE, MOST_PER_PAGE)), str(default))


def zone() -> Single:
    return code(zone_names(), must=_("it is not an IANA time zone such as Asia/Shanghai"))


def page_number(text: str) -> int:
    """A page beyond all sense is as good as the last one."""
    text = text.strip() or "1"
    if not re.fullmatch(r"[0-9]{1,400}", text) or not text.strip("0"):
        raise unreadable(text, _("it must be a whole number, 1 or more"))
    return min(int(text), 10**9)


def search_words(text: str) -> tuple[str, ...]:
    if len(text) > LONGEST_SEARCH:
        raise unreadable(text, _("it is longer than 200 characters"))
    return tuple(text.casefold().split())


def span(text: str) -> timedelta | None:
    found = span_of(text)
    if text and found is None:
        raise unreadable(text, _("it must be a duration such as 6h or 1d 12h"))
    return found


def instant(text: str) -> datetime | None:
    """A time in UTC to the second, as links carry it: one of which the end was cut off is no time."""
    moment = iso_time(text, UTC) if re.search(r"[T ]\d\d:\d\d:\d\d", text, re.IGNORECASE) else None
    if text and moment is None:
        raise unreadable(text, _("it must be a UTC time such as 2026-11-23T09:40:00Z"))
    return moment


def of_filters(filters: Iterable[Any], **normal: Callable[[str], str]) -> dict[str, forms.Field]:
    """Return the fields of a table of filters; values are read in small letters, or as `normal` says."""
    return {
        one.name: Repeatable(one.values, one.pattern, one.must, normal.get(one.name, str.lower))
        for one in filters
    }
