"""Two servers with two workers each on one PostgreSQL behave as one."""

import itertools
import os
import re
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import psycopg
import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.emulator.server import running

from .served import HISTORY, ROOT, asking, browser, environment_of, ids_of, serving, token_of, wait_for

# What a viewer may be told while something is away or just coming back.
HONEST = {200, 503}


@pytest.fixture(scope="module")
def emulator():
    emulator = Emulator()
    with running(emulator) as emulator.address:
        yield emulator
        emulator.heal()


@pytest.fixture(scope="module")
def empty(emulator, postgres):
    """`empty()` are the settings of servers that share an empty database."""

    def made():
        database = postgres.create(f"test-{time.monotonic_ns()}")
        return environment_of(emulator, emulator.address, DATABASE_URL=database)

    return made


@pytest.fixture(scope="module")
def settings_of_pair(empty):
    return empty() | {"DCS_FRESH_SECONDS": "600"}


@pytest.fixture(scope="module")
def _running_pair(settings_of_pair):
    """They start at once, on an empty database, beside whatever else is served from this checkout."""
    before = _static_files()
    leave, up = threading.Event(), []

    def run():
        with serving(settings_of_pair, "--workers", "2") as server:
            up.append(server)
            leave.wait()

    with ThreadPoolExecutor(2) as pool:
        servers = [pool.submit(run) for _ in range(2)]
        try:
            wait_for(lambda: len(up) == 2 or any(server.done() for server in servers))
            # Another server may use them.
            assert before == {path: path.stat().st_mtime_ns for path in before}
            yield up[0], up[1]
        finally:
            leave.set()


def _static_files():
    current = ROOT / "var" / "static" / "current"
    return {path: path.stat().st_mtime_ns for path in current.resolve().rglob("*") if path.is_file()}


@pytest.fixture
def pair(_running_pair, emulator):
    """Two servers with two workers each, over a DCS that is well; nothing is remembered of it."""
    emulator.reset()
    return _running_pair


@contextmanager
def looking(servers, session, viewers=3):
    """Let viewers look at pages of the servers in turn until the block is left; `seen` counts answers."""
    right = ids_of(session.get(servers[0].url + HISTORY, timeout=30).text)
    turns, browsers, well = itertools.count(), [browser() for _ in range(viewers)], [0] * viewers
    for one in browsers:
        one.cookies = session.cookies

    def look(viewer):
        address = servers[next(turns) % len(servers)].url + HISTORY
        try:
            answer = browsers[viewer].get(address, timeout=30, allow_redirects=False)
        except requests.ConnectionError:
            return "refused"  # where nothing listens any more a load balancer would have asked the other
        well[viewer] = well[viewer] + 1 if answer.status_code == 200 else 0
        assert answer.status_code != 200 or ids_of(answer.text) == right
        return answer.status_code

    def see_more(pages):
        until = seen.total() + pages
        wait_for(lambda: seen.total() >= until)

    def see_them_well():
        """Wait until each of them, so also who waits now, gets the page six times in a row."""
        well[:] = [0] * viewers
        wait_for(lambda: min(well) >= 6)

    with asking(look, viewers) as seen:
        yield SimpleNamespace(seen=seen, see_more=see_more, see_them_well=see_them_well)


# --- One of many -----------------------------------------------------------------


def test_servers_that_start_at_once_on_an_empty_database_all_come_up(pair):
    sheet = re.search(r"/static/[^\"]*\.css", pair[0].get("/sign-in/").text)
    assert sheet
    for server in pair:
        assert server.get("/readyz").json()["ready"]
        assert server.get(sheet[0]).status_code == 200
        assert set(server.errors) <= {"Waiting for another server that is starting."}


def test_of_servers_on_several_machines_one_migrates_at_a_time(empty):
    """Machines share no file: while one holds the database's lock, the others wait."""
    shared = empty()
    up = []

    def start():
        with serving(shared) as server:
            up.append(server)

    def waits():
        with psycopg.connect(shared["DATABASE_URL"]) as looker:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return looker.execute(query).fetchone() == (1,)

    with psycopg.connect(shared["DATABASE_URL"]) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [0x44435362])
        thread = threading.Thread(target=start)
        thread.start()
        wait_for(waits)
        assert up == []
        holder.rollback()
    thread.join()
    assert len(up) == 1


def test_a_session_of_one_is_one_of_the_other_and_ends_on_both(pair):
    one, other = pair
    session = one.signed_in("ben")

    assert session.get(other.url + HISTORY).status_code == 200
    assert session.get(other.url + "/projects/cn-prod/").status_code == 404

    form = {"csrfmiddlewaretoken": token_of(session.get(other.url + "/"))}
    session.post(other.url + "/sign-out/", form)
    assert session.get(one.url + HISTORY, allow_redirects=False).status_code == 302


# --- What breaks -----------------------------------------------------------------


def test_a_killed_worker_s_reading_goes_on_elsewhere_and_a_killed_server_takes_nothing_with_it(
    pair, settings_of_pair, emulator
):
    other, _ = pair
    unread = emulator.fleet.named("baskets", "eu-prod").instance_id
    address = HISTORY.replace(ORDERS_CACHE_ID, unread)
    with serving(settings_of_pair, "--workers", "2") as one:
        session = one.signed_in()
        emulator.hang(path_contains=f"{unread}/backups", times=1)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(_patient, session, one.url + address)
            wait_for(lambda: emulator.count("/backups"))
            for worker in one.workers():
                os.kill(worker, signal.SIGKILL)
            second = pool.submit(_patient, session, other.url + address)
            assert (first.result(), second.result()) == (200, 200)
        emulator.heal()

        with looking((one, other), session) as viewers:
            viewers.see_more(20)
            for pid in (one.process.pid, *one.workers()):
                os.kill(pid, signal.SIGKILL)
            one.process.wait()
            viewers.see_more(30)

        assert set(viewers.seen) <= {200, "refused"}
        assert session.get(other.url + HISTORY).status_code == 200


def _patient(session, address):
    """Look again as a viewer would, for a minute; return the last status."""
    own = browser()
    own.cookies = session.cookies
    status, ends = 0, time.monotonic() + 60
    while status != 200 and time.monotonic() < ends:
        with suppress(requests.ConnectionError):
            status = own.get(address, timeout=30, allow_redirects=False).status_code
            assert status in HONEST
    return status


def test_a_postgresql_that_restarts_costs_a_moment_and_is_told_honestly(pair, postgres, settings_of_pair):
    session = pair[0].signed_in()
    with looking(pair, session, viewers=8) as viewers:
        viewers.see_more(40)
        # A worker holds few connections, and gives them back.
        assert postgres.connections(settings_of_pair["DATABASE_URL"].rpartition("/")[2]) <= 4 * 10
        postgres.stop()
        viewers.see_more(8)
        postgres.start()
        # Each of the four workers finds out by itself, and who waited for one may still be told 503.
        viewers.see_them_well()
        before = Counter(viewers.seen)
        viewers.see_more(24)

    assert set(viewers.seen) <= HONEST
    # Once they have, nobody meets a connection of before.
    assert set(viewers.seen - before) == {200}


def test_a_postgresql_that_is_frozen_is_given_up_and_found_again(pair, postgres):
    """It keeps its connections open and says nothing: no timeout of the network ends that."""
    session = pair[0].signed_in()
    with looking(pair, session) as viewers:
        viewers.see_more(20)
        postgres.freeze()
        try:
            answer = session.get(pair[0].url + HISTORY, timeout=60)
        finally:
            postgres.thaw()
        # Also what was asked in the meantime is answered now.
        viewers.see_them_well()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert set(viewers.seen) <= HONEST
