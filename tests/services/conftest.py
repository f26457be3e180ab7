"""What the tests of the services share: a project, an instance, and time that passes on request."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.services import listings
from backups.services.listings import Listing, NothingToShow, reader
from backups.services.problems import Problem
from backups.services.projects import Project, configured_projects

from .redis_server import RedisServer

ORDERS = ORDERS_CACHE_ID


@pytest.fixture
def eu(portal: Settings) -> Project:
    """The project eu-prod; what fails, fails within half a second."""
    portal.DCS_READ_BUDGET = 0.5
    return configured_projects()["eu-prod"]


@pytest.fixture
def instances(emulator: Emulator) -> list[str]:
    """Some ordinary instances of the project."""
    found = [instance.instance_id for instance in emulator.fleet.instances(emulator.fleet.primary)]
    return [instance_id for instance_id in found if instance_id not in (ORDERS, BULK_HISTORY_ID)]


def later(seconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def read(project: Project, instance_id: str = ORDERS, *, after: float = 0, **options: Any) -> Listing[Any]:
    """What a viewer gets who comes that many seconds from now."""
    return listings.instance_backups(project, instance_id, now=later(after), **options)


def problem_of(project: Project, instance_id: str = ORDERS, *, after: float = 0) -> Problem:
    """The reason why a viewer gets nothing."""
    with pytest.raises(NothingToShow) as nothing:
        read(project, instance_id, after=after)
    return nothing.value.problem


def at_once(count: int, view: Callable[[], Any]) -> list[Any]:
    """What that many viewers get who come at the same moment."""
    together, seen = Barrier(count), []

    def viewer() -> None:
        together.wait()
        try:
            seen.append(view())
        except NothingToShow as nothing:
            seen.append(nothing.problem)

    viewers = [Thread(target=viewer) for _ in range(count)]
    for one in viewers:
        one.start()
    for one in viewers:
        one.join()
    assert len(seen) == count, "somebody got neither a listing nor a reason"
    return seen


def settled() -> None:
    """Let what is being read behind the views come to its end."""
    assert reader.wait_for_readers()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def _redis_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redis")


@pytest.fixture
def redis_server(_redis_files: Path) -> Generator[RedisServer]:
    """A Redis of this test's own."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: install the Debian package redis-server")
    server = RedisServer(_redis_files)
    server.start()
    yield server
    server.stop()
