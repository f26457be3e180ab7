"""A portal that is served as in production, shared by the tests that do not harm it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backups.emulator.api import Emulator
from backups.emulator.server import running

from ..browser.conftest import browser_type_launch_args
from .served import Served, environment_of, serving

__all__ = ["browser_type_launch_args"]  # some of these tests look through Chromium

Environment = Callable[..., dict[str, str]]


@pytest.fixture
def _own_emulator() -> Iterator[tuple[Emulator, str]]:
    """A DCS at an address of its own: what servers before have cached is not of it."""
    emulator = Emulator()
    with running(emulator) as address:
        yield emulator, address
        emulator.heal()


@pytest.fixture
def emulator(_own_emulator: tuple[Emulator, str]) -> Emulator:
    return _own_emulator[0]


@pytest.fixture
def endpoint(_own_emulator: tuple[Emulator, str]) -> str:
    return _own_emulator[1]


@pytest.fixture
def environment(emulator: Emulator, endpoint: str, tmp_path: Path) -> Environment:
    """`environment(NAME="value")` is that of a server with a database of its own."""

    def made(**own: str) -> dict[str, str]:
        database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}"}
        return environment_of(emulator, endpoint, **database | own)

    return made


@pytest.fixture(scope="session")
def served(
    _emulator_and_address: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One server with two workers for all tests that do not harm it."""
    emulator, endpoint = _emulator_and_address
    database = f"sqlite:///{tmp_path_factory.mktemp('served') / 'portal.sqlite3'}"
    with serving(environment_of(emulator, endpoint, DATABASE_URL=database), "--workers", "2") as server:
        yield server
