"""How values are written in words, for pages and for tickets: sizes, spans of time, codes, verdicts.

Codes go in, words of the language that is active come out, as plain text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from ...dcs.records import BackupRecord, Instance
from ..eligibility import Eligibility, eligibility
from . import codes
from .codes import Words

P = ParamSpec("P")
T = TypeVar("T")


def cached_per_language(say: Callable[P, T]) -> Callable[P, T]:
    """Cache what is said of some values; the rows of a page repeat most of it."""

    @lru_cache(maxsize=4096)
    def said(language: str | None, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return say(*args, **kwargs)

    @wraps(say)
    def saying(*args: P.args, **kwargs: P.kwargs) -> T:
        return said(get_language(), *args, **kwargs)  # type: ignore[arg-type]  # they are hashable

    return saying


# Times and sizes -------------------------------------------------------------


def zone_label(local: datetime) -> str:
    """Return "UTC", "UTC+8" or "UTC+5:30": abbreviations such as CST mean several zones."""
    offset = local.utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


def zone_name(zone: tzinfo, at: datetime) -> str:
    """Return the name of a zone, else its offset: "Europe/Berlin", "UTC+5:30"."""
    return getattr(zone, "key", "") or zone_label(at.astimezone(zone))


_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def size_text(size: int) -> str:
    """Return a size in decimal units (1 GB is 1,000,000,000 bytes).

    Below 1 MB it is written in bytes: such a backup is nearly empty, which a rounded number hides.
    """
    for least, unit in _SIZES:
        if (number := size / least) >= 1:
            # Three digits that count: 2.14, 21.4, 214.
            return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f} {unit}"
    return exact_bytes(size)


def round_size(size: int) -> str:
    """Return a step of a chart's axis: "5 GB", and "0"."""
    for least, unit in _SIZES:
        if size >= least:
            return f"{size / least:g} {unit}"
    return exact_bytes(size) if size else "0"


def exact_bytes(size: int) -> str:
    return ngettext("%(n)s byte", "%(n)s bytes", size) % {"n": f"{size:,}"}


def instance_name(instance: Instance | None, instance_id: str) -> str:
    """Return what an instance is called: its name, or its id where no name is known."""
    return instance.name if instance and instance.name else instance_id


def capacity(gigabytes: float | None) -> str:
    """Return the size of an instance: "4 GB", and "128 MB" for the tiny ones."""
    if gigabytes is None:
        return ""
    if gigabytes < 1:
        return f"{gigabytes * 1024:.4g} MB"
    return f"{gigabytes:,.10g} GB"


def percent(value: float) -> str:
    return f"{value:.3g} %"


def size_change(part: float) -> str:
    """Return "+0.9 % against the one before"."""
    if abs(part) < 0.0005:
        return gettext("same size as the one before")
    return gettext("%(change)s %% vs. the one before") % {"change": _percent_more(part)}


def signed(text: str, is_more: bool) -> str:
    return f"{'+' if is_more else '−'}{text}"


def size_difference(first: int, second: int) -> str:
    """Return "+60.0 MB (+2.4 %)": how much larger the second is."""
    more = signed(size_text(abs(second - first)), second > first)
    return f"{more} ({_percent_more(second / first - 1)} %)" if first else more


def _percent_more(part: float) -> str:
    return signed(f"{abs(part) * 100:.{1 if abs(part) < 0.1 else 0}f}", part > 0)


def rate(percent: float) -> str:
    """Return a success rate, cut and not rounded: 99.97 % is not all."""
    return f"{math.floor(percent * 10 + 1e-9) / 10:.3g} %" if percent < 100 else "100 %"


# Codes -----------------------------------------------------------------------


def _word_of(words: Mapping[str, Words], missing: Words = "") -> Callable[[str], str]:
    """Return what says the word of a code. One that the portal does not know is shown as itself."""
    return lambda code: str(words.get(code, code) or missing)


status_word = _word_of(codes.STATUS_WORDS, missing=_("No status"))
type_word = _word_of(codes.TYPE_WORDS)
format_word = _word_of(codes.FORMAT_WORDS)
mode_word = _word_of(codes.CACHE_MODE_WORDS)
instance_status_word = _word_of(codes.INSTANCE_STATUS_WORDS, missing=_("No status"))


def error_meaning(code: str) -> str:
    """Return what an error code of a backup means, "" where the portal does not know it."""
    known = codes.ERROR_CODES.get(code)
    return str(known.meaning) if known else ""


def meaning_in_brackets(code: str) -> str:
    """Return the meaning within a sentence, as "the backup timed out"; "" where it is not known."""
    meaning = error_meaning(code).rstrip(".。")
    return meaning[:1].lower() + meaning[1:]


def field_note(field: str) -> str:
    """Return what a field of the API's answer is, "" for one that the reference does not name."""
    return str(codes.FIELD_NOTES.get(field, ""))


def raw_of(record: BackupRecord, field: str) -> str:
    """Return the text of a field that could not be read, "" where it was read or has none."""
    return next((text for name, text in record.unread if name == field), "")


def kinds_in_words(counts: Iterable[tuple[str, int]]) -> str:
    """Return "18 expired, 3 deleted"; what there is none of is left out."""

    def said(kind: str, n: int) -> str:
        texts = {
            "usable": ngettext("%(n)d usable", "%(n)d usable", n),
            "unusable": ngettext("%(n)d succeeded, not usable", "%(n)d succeeded, not usable", n),
            "running": ngettext("%(n)d in progress", "%(n)d in progress", n),
            "expired": ngettext("%(n)d expired", "%(n)d expired", n),
            "deleted": ngettext("%(n)d deleted", "%(n)d deleted", n),
            "failed": ngettext("%(n)d failed", "%(n)d failed", n),
            "did_not_run": ngettext("%(n)d did not run", "%(n)d did not run", n),
            "odd": ngettext("%(n)d with an unknown status", "%(n)d with an unknown status", n),
        }
        return texts[kind] % {"n": n}

    return pgettext("between parts", ", ").join(said(kind, n) for kind, n in counts if n)


# Verdicts --------------------------------------------------------------------


@cached_per_language
def verdict_sentence(eligibility: Eligibility, brief: bool = False) -> str:
    """Return "Restorable", "No: it failed" or "Not yet: it is waiting"; all reasons unless brief."""
    if eligibility.verdict == "yes":
        return gettext("Restorable")
    reasons = eligibility.reasons[:1] if brief else eligibility.reasons
    text = listed_reasons(reasons)
    if eligibility.reasons[0] in ("waiting", "in_progress"):
        return capfirst(text)
    pattern = gettext("No: %(reason)s") if eligibility.verdict == "no" else gettext("Unknown: %(reason)s")
    return pattern % {"reason": text}


def block_sentence(code: str, detail: str) -> str:
    """Return what stands against a restore; the detail is DCS's own word."""
    word = instance_status_word(detail) if code in ("busy", "not_running") else detail
    return str(codes.BLOCK_WORDS[code]) % {"detail": word}


def not_now_sentence(status: str) -> str:
    """Return what is said of a usable backup while its instance has a status that takes no restore."""
    in_error = gettext(
        "Usable, but not now: the instance is in %(status)s; DCS restores only into a running instance"
    )
    other = gettext(
        "Usable, but not now: the instance is %(status)s; DCS restores only into a running instance"
    )
    return (in_error if status == "ERROR" else other) % {"status": status}


def reasons_in_words(eligibility: Eligibility) -> str:
    """Return the reasons of a verdict; a contradiction is told in a sentence of its own."""
    return listed_reasons(reason for reason in eligibility.reasons if reason != "contradiction")


def listed_reasons(reasons: Iterable[str]) -> str:
    """Return why a backup cannot be restored, or is not the answer for a recovery point, in one line."""
    known = codes.REASON_WORDS | codes.DOUBT_WORDS
    return pgettext("between reasons", "; ").join(str(known.get(reason, reason)) for reason in reasons)


def ended_sentence(record: BackupRecord) -> str:
    """Return what is said of a backup that has just ended."""
    named = {"name": record.name or record.backup_id}
    if record.status == "failed":
        meaning = error_meaning(record.error_code).rstrip(".。") or record.error_code
        if meaning:
            return gettext("%(name)s failed: %(meaning)s.") % {**named, "meaning": meaning}
        return gettext("%(name)s failed.") % named
    if record.status != "succeed":
        return gettext("%(name)s has ended: %(status)s.") % {**named, "status": status_word(record.status)}
    found = eligibility(record)
    if found.usable:
        return gettext("%(name)s succeeded and can be restored.") % named
    return gettext("%(name)s succeeded. %(verdict)s.") % {**named, "verdict": verdict_sentence(found)}
