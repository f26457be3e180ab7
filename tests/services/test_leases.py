"""One holder at a time, and the way is free when it ends, however it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from backups.services.listings import leases

from .conftest import at_once

HOLDER = """
import sys
from django.conf import settings
caches = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
settings.configure(LOCK_FILE=sys.argv[1], CACHES=caches)
from backups.services.listings import leases
held = leases.acquire("a list")
print("held" if held else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock_file(settings: Settings) -> str:
    return str(settings.LOCK_FILE)


@pytest.fixture
def holder(lock_file: str) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lock of "a list"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_of_many_threads_one_holds_it() -> None:
    held = [lock for lock in at_once(30, lambda: leases.acquire("a list")) if lock]

    assert len(held) == 1
    held[0].release()


def test_another_name_is_another_lock() -> None:
    one, other = leases.acquire("a list"), leases.acquire("another list")

    assert one
    assert other
    one.release()
    other.release()


def test_what_was_released_can_be_taken_again() -> None:
    for _ in range(3):
        held = leases.acquire("a list")
        assert held
        held.release()


def test_another_process_s_lock_is_not_taken(holder: subprocess.Popen[str]) -> None:
    assert leases.acquire("a list") is None


def test_the_lock_of_a_process_that_was_killed_is_free(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()

    held = leases.acquire("a list")

    assert held
    held.release()
