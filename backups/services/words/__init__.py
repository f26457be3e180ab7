"""What is said of codes, values, times and zones; each sentence stands here once."""

from __future__ import annotations

from . import codes, times, values
from .codes import (
    BLOCK_WORDS,
    ERROR_CODES,
    FORMAT_WORDS,
    OTHER,
    RESTORABLE_WORDS,
    STATUS_WORDS,
    TYPE_WORDS,
    Words,
    codes_meaning,
    error_meaning_in_english,
)
from .texts import text_macro, text_template, translated_environment
from .times import Clock, Moment, duration, known_zone, zone_names, zone_of_region
from .values import (
    block_sentence,
    cached_per_language,
    capacity,
    ended_sentence,
    error_meaning,
    exact_bytes,
    field_note,
    format_word,
    instance_name,
    instance_status_word,
    kinds_in_words,
    listed_reasons,
    meaning_in_brackets,
    mode_word,
    not_now_sentence,
    percent,
    rate,
    raw_of,
    reasons_in_words,
    round_size,
    signed,
    size_change,
    size_difference,
    size_text,
    status_word,
    type_word,
    verdict_sentence,
    zone_label,
    zone_name,
)
