"""What is said of codes, values, times and zones; each sentence stands here once."""

from __future__ import annotations

from . import codes, values
from .codes import (
    BLOCK_WORDS,
    ERROR_CODES,
    FORMAT_WORDS,
    OTHER,
    RESTORABLE_WORDS,
    STATUS_WORDS,
    TYPE_WORDS,
    Words,
    error_meaning_in_english,
)
from .values import (
    capacity,
    duration,
    error_meaning,
    exact_bytes,
    format_word,
    instance_status_word,
    mode_word,
    percent,
    rate,
    reason_word,
    reasons_in_words,
    size_text,
    status_word,
    type_word,
    verdict_sentence,
    zone_label,
)
from .zones import zone_names, zone_of_region

__all__ = [
    "BLOCK_WORDS",
    "ERROR_CODES",
    "FORMAT_WORDS",
    "OTHER",
    "RESTORABLE_WORDS",
    "STATUS_WORDS",
    "TYPE_WORDS",
    "Words",
    "capacity",
    "codes",
    "duration",
    "error_meaning",
    "error_meaning_in_english",
    "exact_bytes",
    "format_word",
    "instance_status_word",
    "mode_word",
    "percent",
    "rate",
    "reason_word",
    "reasons_in_words",
    "size_text",
    "status_word",
    "type_word",
    "values",
    "verdict_sentence",
    "zone_label",
    "zone_names",
    "zone_of_region",
]
