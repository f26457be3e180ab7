"""What is counted by the minute all processes count together; without a cache each does for itself."""

from __future__ import annotations

import time

import pytest

from backups.services.listings import COUNTED_SECONDS, count, store

pytestmark = pytest.mark.usefixtures("within_one_minute")


def test_the_next_minute_is_a_new_one() -> None:
    now = time.time()
    assert [count("x", now) for _ in range(3)] == [1, 2, 3]

    assert count("x", now + COUNTED_SECONDS) == 1


def test_all_processes_count_together() -> None:
    now = time.time()
    assert count("x", now) == 1
    store.forget()  # as another process
    assert count("x", now) == 2


def test_without_the_cache_each_process_counts_for_itself_and_refuses_nobody_else(no_cache: None) -> None:
    now = time.time()

    assert [count("x", now) for _ in range(3)] == [1, 2, 3]
    assert count("x", now, -1) == 2
    store.forget()  # as another process
    assert count("x", now) == 1


def test_what_a_process_counts_for_itself_is_bounded(no_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_COUNTED", 10)

    for number in range(50):
        count(f"viewer-{number}", time.time())

    assert len(store._counted_here) <= 11
