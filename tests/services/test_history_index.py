"""The index of a generation: kept and asked again and again, it tells what a look at each record would."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.services.history.index import MOST_WORDS, SORTS, HistoryIndex
from backups.services.history.query import BackupFilter, backup_history
from backups.services.insights.figures import figures
from backups.services.insights.timeline import timeline

from .api_records import raw
from .test_history import NOW, filters, ids, in_order, is_wanted, records_of_the_api


def a_long_history(count: int) -> list[BackupRecord]:
    """Names and ids of their own, few different remarks, as real ones have."""
    remarks = [None, "nightly", "before the sale", "vor dem Straßenfest", "每日备份"]
    return [
        BackupRecord.from_api(raw(n, remark=remarks[n % 5], error_code=["", "dcs.08.0002"][n % 7 == 0]))
        for n in range(count)
    ]


@settings(max_examples=60, deadline=None)
@given(records_of_the_api(), st.lists(filters(), min_size=2, max_size=12))
def test_an_index_answers_the_next_filter_as_it_would_the_first(
    records: list[BackupRecord], asked: list[BackupFilter]
) -> None:
    index = HistoryIndex(records)

    for wanted in asked:
        expected = in_order([record for record in records if is_wanted(record, wanted)], wanted.sort)
        history = backup_history(index, wanted, now=NOW)
        assert ids(history.matches) == ids(expected)
        start = (history.page - 1) * wanted.per_page
        assert ids(history.rows) == ids(expected[start : start + wanted.per_page])


@settings(max_examples=100, deadline=None)
@given(records_of_the_api())
def test_the_figures_are_those_of_the_verdicts_on_each_record(records: list[BackupRecord]) -> None:
    found = figures(timeline(records), (), now=NOW)

    in_default_order = in_order([r for r in records if r.started_at], "-started")
    assert found.usable == sum(eligibility(r).usable for r in records)
    assert found.newest_usable == next((r for r in in_default_order if eligibility(r).usable), None)
    assert found.last_attempt == next(iter(in_default_order), None)


@pytest.mark.parametrize(
    "word", ["nightly", "strassenfest", "备份", "backup_39", "000000000007", "08.0002", "zzz", "before", "n"]
)
def test_a_word_is_found_in_each_text_that_has_it(word: str) -> None:
    records = a_long_history(600)

    found = backup_history(HistoryIndex(records), BackupFilter(words=(word,)), now=NOW).matches

    assert {r.backup_id for r in found} == {r.backup_id for r in records if word in r.search_text}


def test_more_words_than_are_kept_are_all_found() -> None:
    index = HistoryIndex(a_long_history(200))

    for turn in range(2):
        for n in range(MOST_WORDS + 10):
            word = f"backup_{n}"
            found = backup_history(index, BackupFilter(words=(word,)), now=NOW).matches
            assert found, turn
            assert all(word in record.name for record in found)


def test_an_index_of_10_000_records_with_every_order_and_many_words_takes_less_than_2_mb() -> None:
    records = a_long_history(10_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    index = HistoryIndex(records)
    for sort in SORTS:
        for sign in ("", "-"):
            _ = backup_history(index, BackupFilter(sort=sign + sort), now=NOW).rows
    for n in range(200):
        _ = backup_history(index, BackupFilter(words=(f"{n}",)), now=NOW).rows

    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken < 2_000_000


def test_a_page_deep_in_an_order_has_the_rows_of_that_place() -> None:
    records = a_long_history(2500)
    index = HistoryIndex(records)
    wanted = BackupFilter(words=("nightly",), sort="size", per_page=25)
    whole = backup_history(index, wanted, now=NOW)

    pages: list[Any] = []
    for page in range(1, whole.pages + 1):
        pages += ids(backup_history(index, replace(wanted, page=page), now=NOW).rows)

    assert pages == ids(whole.matches)
    assert len(pages) == 500
