"""With Redis: one round trip a view; away, frozen or begun anew it costs speed, never a page.

A command that a frozen Redis does not answer takes half a second. What is bounded here by two seconds would
take longer if more than one of its commands waited.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as installation
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.services import listings
from backups.services.listings import guard, leases, store
from backups.services.projects import Project

from .api_records import raws
from .conftest import ORDERS, at_once, later, problem_of, read, settled, wait_until
from .processes import process
from .redis_server import RedisServer


@pytest.fixture
def redis_server(redis_server: RedisServer, portal: Settings) -> Generator[RedisServer]:
    """The portal's cache, with the settings of an installation."""
    from dcsportal.settings import _cache

    embedded = portal.CACHES
    portal.CACHES = {"default": _cache(redis_server.url)}
    yield redis_server
    store.try_again()
    portal.CACHES = embedded


@contextmanager
def waiting_once() -> Generator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 2


def test_the_settings_for_redis_bound_every_wait(redis_server: RedisServer) -> None:
    options = installation.CACHES["default"]["OPTIONS"]

    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.5, 0.5)
    assert options["retry"].get_retries() == 0


def test_a_view_of_what_is_fresh_costs_one_round_trip(eu: Project, redis_server: RedisServer) -> None:
    listings.backups_and_instance(eu, ORDERS, now=later())
    settled()
    before = redis_server.commands()

    for _ in range(10):
        listings.backups_and_instance(eu, ORDERS, now=later())

    assert redis_server.commands() - before == 10


# Frozen, and back again ----------------------------------------------------------------


def test_a_frozen_redis_is_waited_for_once(
    eu: Project, redis_server: RedisServer, emulator: Emulator
) -> None:
    first = read(eu)
    redis_server.freeze()

    with waiting_once():
        seen = [read(eu) for _ in range(5) if store.count("somebody", time.time())]
        seen += at_once(20, lambda: read(eu))

    assert {listing.generation for listing in seen} == {first.generation}
    assert emulator.count("/backups") == 1


def test_a_redis_that_freezes_during_a_walk_holds_its_viewer_up_once(
    eu: Project, redis_server: RedisServer, emulator: Emulator, portal: Settings
) -> None:
    emulator.hang(times=1)
    with ThreadPoolExecutor(1) as viewers:
        viewer = viewers.submit(read, eu)
        wait_until(lambda: bool(emulator.calls))
        redis_server.freeze()
        emulator.heal()
        with waiting_once():
            assert viewer.result().source == "live"


def test_a_redis_that_comes_back_is_used_again_and_no_view_waited_for_the_trial(
    eu: Project, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BYPASS_SECONDS", 0.1)
    read(eu)
    redis_server.freeze()
    read(eu)

    with waiting_once():
        for _ in range(10):
            read(eu)
            time.sleep(0.02)
    redis_server.thaw()

    wait_until(lambda: not store.is_away())


def test_what_was_read_while_redis_was_away_is_not_followed_by_an_older_listing(
    eu: Project, redis_server: RedisServer, emulator: Emulator
) -> None:
    read(eu)
    redis_server.freeze()
    emulator.set_records(ORDERS, raws(3))
    newer = read(eu, read_now=True)
    redis_server.thaw()
    store.try_again()

    assert newer.total == 3
    assert read(eu).generation == newer.generation


def test_a_key_that_was_refused_while_redis_was_away_is_held_by_all_when_it_is_back(
    eu: Project, redis_server: RedisServer, emulator: Emulator, portal: Settings
) -> None:
    redis_server.freeze()
    emulator.fail_with(401)
    problem_of(eu)
    redis_server.thaw()
    store.try_again()

    here = problem_of(eu)
    store.forget()
    guard.forget()
    in_another_process = problem_of(eu, emulator.fleet.named("baskets").instance_id)

    assert (here.kind, in_another_process.kind) == ("credentials_refused", "credentials_refused")
    assert emulator.count() == 1


# Leases --------------------------------------------------------------------------------


def test_a_lease_is_prolonged_while_it_is_held_and_then_given_back(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1.5)
    held = leases.acquire("a list")
    assert held
    time.sleep(2)

    assert not held.is_lost()
    held.release()
    assert not redis_server.client.keys("*a list*")


def test_who_lost_its_lease_during_a_walk_shows_what_another_server_read_meanwhile(
    eu: Project,
    redis_server: RedisServer,
    emulator: Emulator,
    endpoint: str,
    portal: Settings,
    tmp_path: Path,
) -> None:
    with process(emulator.fleet.primary, endpoint, tmp_path, CACHE_URL=redis_server.url) as other:
        other.view(emulator.fleet.named("baskets").instance_id)  # it has started
        emulator.clear_calls()
        emulator.hang(times=1)
        with ThreadPoolExecutor(1) as viewers:
            viewer = viewers.submit(read, eu)
            wait_until(lambda: bool(emulator.calls))
            redis_server.client.delete(*redis_server.client.keys("*lock:read:*"))
            there = other.view(ORDERS)
            emulator.heal()
            here = viewer.result()

    assert there["source"] == "live"
    assert here.generation == there["generation"]


def test_a_lock_without_an_end_is_taken_over_and_another_server_s_is_not(redis_server: RedisServer) -> None:
    key, redis = "dcs-portal:lock:a list", redis_server.client
    redis.set(key, "another server", px=60_000)
    assert leases.acquire("a list") is None
    redis.set(key, "whoever left it")

    taken = leases.acquire("a list")

    assert taken
    assert not taken.is_lost()
    assert redis.pttl(key) > 0
    taken.release()
    assert not redis.exists(key)
