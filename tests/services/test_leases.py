"""One holder at a time, and the way is free when it ends, however it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from django.conf import settings

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
def holder() -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lease of "a list"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, settings.LOCK_FILE],
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


def test_of_many_threads_one_holds_it_and_another_name_is_another_lease() -> None:
    held = [lease for lease in at_once(30, lambda: leases.acquire("a list")) if lease]
    other = leases.acquire("another list")

    assert len(held) == 1
    assert other
    other.release()
    held[0].release()


def test_what_was_released_can_be_acquired_again() -> None:
    for _ in range(3):
        held = leases.acquire("a list")
        assert held
        held.release()


def test_another_process_s_lease_is_not_taken_until_that_is_killed(holder: subprocess.Popen[str]) -> None:
    assert leases.acquire("a list") is None

    holder.kill()
    holder.wait()

    held = leases.acquire("a list")
    assert held
    held.release()
