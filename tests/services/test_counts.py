"""What is counted by the minute all processes count together."""

import time

import pytest

from backups.services.listings import count, store
from tests.conftest import restart

pytestmark = pytest.mark.usefixtures("within_one_minute")


def test_the_next_minute_is_a_new_one():
    now = time.time()
    assert [count("x", now) for _ in range(3)] == [1, 2, 3]

    assert count("x", now + store.COUNTED_SECONDS) == 1


def test_all_processes_count_together():
    now = time.time()
    assert count("x", now) == 1
    restart()  # as another process
    assert count("x", now) == 2


def test_while_the_database_is_full_nobody_is_refused(full_database):
    assert [count("x", time.time()) for _ in range(3)] == [0, 0, 0]
