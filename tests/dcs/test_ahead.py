"""Pages are read ahead several at a time, and the walk finds exactly what it would page by page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsAccessDenied, DcsError, DcsThrottled, DcsUnavailable
from backups.dcs.pages import Page
from backups.dcs.records import BackupRecord
from backups.dcs.signing import Credentials
from backups.dcs.walk import AT_ONCE, Walk, walk, walk_ahead
from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID, utc_now
from tests.dcs.test_walk import Row, keys, names


@dataclass
class Server:
    """A list server in memory that many may ask at once. `before` gets the number of each call."""

    rows: list[str]
    total: Callable[[int, int], int | None] = lambda rows, shown: rows
    cap: int = 1000
    before: Callable[[int], object] = lambda number: None
    failing: dict[int, DcsError] = field(default_factory=dict)
    calls: list[tuple[int, int]] = field(default_factory=list)
    at_once: int = 0
    beside: list[int] = field(default_factory=list)  # how many were under way with each call
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self, offset: int, limit: int, *, retry: bool = True, failed: DcsError | None = None
    ) -> Page[Row]:
        if failed and not isinstance(failed, DcsThrottled):
            raise failed
        with self.lock:
            self.calls.append((offset, limit))
            number = len(self.calls)
            self.at_once += 1
            self.beside.append(self.at_once)
        try:
            self.before(number)
            with self.lock:
                shown = self.rows[offset : offset + min(limit, self.cap)]
                total = self.total(len(self.rows), len(shown))
            if number in self.failing:
                raise self.failing[number]
            return Page(tuple(Row(key) for key in shown), total, len(shown))
        finally:
            with self.lock:
                self.at_once -= 1

    def walk(self, page_size: int = 1000, max_records: int = 20_000) -> Walk[Row]:
        found = walk_ahead(self.ask, page_size=page_size, max_records=max_records, free=threading.Lock())
        let_go()
        return found

    def walk_in_sequence(self, page_size: int = 1000, max_records: int = 20_000) -> Walk[Row]:
        return walk(self.ask, page_size=page_size, max_records=max_records)


def let_go() -> None:
    """Wait until no thread reads ahead any more: a walk that has ended leaves none behind."""
    for thread in threading.enumerate():
        if thread.name.startswith("read-ahead"):
            thread.join(5)
            assert not thread.is_alive()


# The same as page by page ----------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "cap"), [(n, 1000) for n in (0, 1, 999, 1000, 1001, 2001, 20_000, 20_001)] + [(1001, 100)]
)
def test_the_calls_are_those_of_a_walk_page_by_page_and_no_more(count: int, cap: int) -> None:
    ahead, in_sequence = Server(names(count), cap=cap), Server(names(count), cap=cap)
    assert ahead.walk() == in_sequence.walk_in_sequence()
    assert sorted(ahead.calls) == in_sequence.calls


@settings(deadline=None)
@given(
    count=st.integers(0, 80),
    page_size=st.integers(1, 12),
    maximum=st.integers(1, 90),
    cap=st.integers(1, 14),
    total=st.sampled_from(["list", "page", "none", "huge", "zero", "more", "less"]),
)
def test_whatever_a_server_says_reading_ahead_finds_what_a_walk_page_by_page_does(
    count: int, page_size: int, maximum: int, cap: int, total: str
) -> None:
    totals: dict[str, Callable[[int, int], int | None]] = {
        "list": lambda rows, shown: rows,
        "page": lambda rows, shown: shown,
        "none": lambda rows, shown: None,
        "huge": lambda rows, shown: 10**9,
        "zero": lambda rows, shown: 0,
        "more": lambda rows, shown: rows + 15,
        "less": lambda rows, shown: max(0, rows - 15),
    }
    ahead, in_sequence = (Server(names(count), total=totals[total], cap=cap) for _ in "ab")

    assert ahead.walk(page_size, maximum) == in_sequence.walk_in_sequence(page_size, maximum)

    assert max(ahead.beside) <= AT_ONCE
    assert set(in_sequence.calls) <= set(ahead.calls)
    if total == "list":
        assert sorted(ahead.calls) == sorted(in_sequence.calls)
    # Who sees the list's end stops the others.
    assert len(ahead.calls) <= len(in_sequence.calls) + 2 * AT_ONCE


@settings(deadline=None)
@given(
    count=st.integers(0, 80),
    page_size=st.integers(2, 12),
    total=st.sampled_from(["list", "huge", "none"]),
    changes=st.dictionaries(
        st.integers(2, 30), st.lists(st.tuples(st.booleans(), st.integers(0, 79)), max_size=4), max_size=6
    ),
)
def test_a_list_that_moves_while_it_is_read_ahead_loses_nothing_unsaid(
    count: int, page_size: int, total: str, changes: dict[int, list[tuple[bool, int]]]
) -> None:
    always = set(names(count))
    server = Server(names(count))
    server.total = {
        "list": lambda rows, shown: rows, "huge": lambda rows, shown: 10**9, "none": lambda rows, shown: None,
    }[total]  # fmt: skip

    def change(number: int) -> None:
        for adds, place in changes.get(number, []):
            with server.lock:
                if adds:
                    server.rows.insert(0, f"new{number}.{place}.{len(server.rows)}")
                elif server.rows:
                    always.discard(server.rows.pop(place % len(server.rows)))

    server.before = change
    result = server.walk(page_size)

    assert len(keys(result)) == len(set(keys(result)))
    assert {row.key for page in result.pages for row in page.records} == set(keys(result))
    if result.complete:
        assert always <= set(keys(result))


def test_pages_are_shown_in_their_order_however_they_come() -> None:
    server = Server(names(95), before=lambda number: time.sleep(0.02 if number % 3 == 2 else 0))
    seen: list[str] = []
    walk_ahead(
        server.ask,
        page_size=10,
        max_records=1000,
        on_page=lambda page: seen.append(page.records[-1].key),
        free=threading.Lock(),
    )
    assert seen == [f"r{number}" for number in (*range(9, 95, 9), 94)]


# How many at once ---------------------------------------------------------------------


def test_four_pages_are_under_way_at_a_time() -> None:
    together = threading.Barrier(AT_ONCE, timeout=5)
    server = Server(names(9 * (1 + AT_ONCE)), before=lambda number: number > 1 and together.wait())
    assert server.walk(page_size=10).complete
    assert len(server.calls) == 1 + AT_ONCE
    assert max(server.beside) == AT_ONCE == 4


def test_a_page_that_is_the_last_is_asked_for_without_a_thread() -> None:
    threads: set[threading.Thread] = set()
    server = Server(names(15), before=lambda number: threads.add(threading.current_thread()))
    assert server.walk(page_size=10).complete
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("why", ["no thread can start", "another walk reads ahead"])
def test_where_it_cannot_read_ahead_a_list_is_read_page_by_page(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    free, server = threading.Lock(), Server(names(1000))
    if why == "no thread can start":
        monkeypatch.setattr(threading.Thread, "start", no_more)
    else:
        free.acquire()
    result = walk_ahead(server.ask, page_size=10, max_records=2000, free=free)
    assert keys(result) == names(1000)
    assert server.calls == sorted(server.calls)
    assert free.locked() == (why != "no thread can start")


# Predictions that fail ----------------------------------------------------------------


def test_a_list_that_is_emptied_on_the_way_costs_a_handful_of_calls() -> None:
    server = Server(names(1000))
    server.before = lambda number: server.rows.clear() if number == 4 else None
    result = server.walk(page_size=10)
    assert (keys(result), result.complete) == ([], True)
    assert len(server.calls) <= 4 + AT_ONCE + 1


def test_after_a_wrong_guess_a_walk_goes_on_page_by_page() -> None:
    server = Server(names(500))
    server.before = lambda number: setattr(server, "cap", 7) if number == 4 else None
    result = server.walk(page_size=10)
    assert (len(result.records), result.complete) == (500, True)
    one_after_another = server.calls[4 + AT_ONCE :]
    assert one_after_another == sorted(one_after_another)


# Failures ---------------------------------------------------------------------------------


def test_a_failure_is_raised_where_the_walk_asks_for_its_page() -> None:
    error = DcsUnavailable("away", http_status=500)
    server = Server(names(1000), failing={7: error})
    shown: list[int] = []
    with pytest.raises(DcsUnavailable) as caught:
        walk_ahead(
            server.ask,
            page_size=10,
            max_records=1000,
            on_page=lambda page: shown.append(page.length),
            free=threading.Lock(),
        )
    let_go()
    assert caught.value is error
    assert len(shown) == 1 + (server.calls[6][0] - 9) // 9
    assert len(server.calls) <= 7 + AT_ONCE


def test_an_error_of_our_own_reaches_the_caller_too() -> None:
    def fail(number: int) -> None:
        if number > 3:
            raise LookupError("a bug")

    with pytest.raises(LookupError):
        Server(names(1000), before=fail).walk(page_size=10)
    let_go()


def client_of(emulator: Emulator, endpoint: str, slept: list[float] | None = None) -> DcsClient:
    project = emulator.fleet.primary
    return DcsClient(
        endpoint=endpoint,
        project_id=project.project_id,
        credentials=Credentials(project.ak, project.sk),
        sleep=(slept if slept is not None else []).append,
    )


def read(client: DcsClient, page_size: int, *, seconds: float = 10.0) -> Walk[BackupRecord]:
    def ask(
        offset: int, limit: int, *, retry: bool = True, failed: DcsError | None = None
    ) -> Page[BackupRecord]:
        return client.list_backup_records(
            BULK_HISTORY_ID,
            offset=offset,
            limit=limit,
            deadline=time.monotonic() + seconds,
            retry=retry,
            failed=failed,
        )

    try:
        return walk_ahead(ask, page_size=page_size, max_records=20_000, free=client.free_to_read_ahead)
    finally:
        let_go()


def ids(result: Walk[BackupRecord]) -> list[str]:
    return [record.backup_id for record in result.records]


@pytest.mark.parametrize(("page_size", "calls"), [(1000, 11), (100, 102)])
def test_ten_thousand_records_are_read_ahead_without_a_call_too_many(
    emulator: Emulator, endpoint: str, page_size: int, calls: int
) -> None:
    client = client_of(emulator, endpoint)
    result = read(client, page_size)
    assert ids(result) == [row.backup_id for row in emulator.fleet.backups(BULK_HISTORY_ID)]
    assert result.complete
    assert emulator.count("/backups") == calls
    assert not client.free_to_read_ahead.locked()


@pytest.mark.parametrize("fault", ["cut_body", "fail_with"])
def test_a_page_that_fails_for_a_moment_is_asked_for_again(
    emulator: Emulator, endpoint: str, fault: str
) -> None:
    slept: list[float] = []
    if fault == "cut_body":
        emulator.cut_body(after=4, times=1)
    else:
        emulator.fail_with(503, after=4, times=1)
    result = read(client_of(emulator, endpoint, slept), 250)
    assert (len(result.records), result.complete) == (10_000, True)
    assert len(slept) == 1
    assert emulator.count("/backups") == 42


def test_while_dcs_is_away_the_calls_under_way_are_the_last_but_two(
    emulator: Emulator, endpoint: str
) -> None:
    emulator.fail_with(503, after=5)
    with pytest.raises(DcsUnavailable) as caught:
        read(client_of(emulator, endpoint), 100)
    assert caught.value.http_status == 503
    assert emulator.count("/backups", status=503) <= AT_ONCE + 2


def test_once_throttled_a_walk_waits_as_it_was_asked_to_and_goes_on_one_page_at_a_time(
    emulator: Emulator, endpoint: str
) -> None:
    slept: list[float] = []
    emulator.throttle(3, after=12, times=3)
    result = read(client_of(emulator, endpoint, slept), 100)
    assert ids(result) == [row.backup_id for row in emulator.fleet.backups(BULK_HISTORY_ID)]
    assert result.complete
    # One page waited; the others that were throttled at that time were asked for when that was over.
    assert slept in ([3.0], [3.0, 3.0])
    offsets = [int(call.query.rpartition("=")[2]) for call in emulator.calls]
    last_throttled = max(n for n, call in enumerate(emulator.calls) if call.status == 429)
    afterwards = offsets[last_throttled + AT_ONCE :]
    assert afterwards == sorted(afterwards)
    assert emulator.count("/backups") == 102 + 3


def test_after_a_throttled_page_only_one_is_under_way() -> None:
    server = Server(
        names(1000), before=lambda _: time.sleep(0.005), failing={12: DcsThrottled(http_status=429)}
    )
    assert keys(server.walk(page_size=10)) == names(1000)
    assert max(server.beside[:12]) > 1
    assert set(server.beside[12 + AT_ONCE :]) == {1}


def test_a_throttled_list_that_stays_so_is_left_with_its_retry_after(
    emulator: Emulator, endpoint: str
) -> None:
    emulator.throttle(60, after=3)
    with pytest.raises(DcsThrottled) as caught:
        read(client_of(emulator, endpoint), 100)
    assert caught.value.retry_after == 60
    assert emulator.count("/backups", status=429) <= AT_ONCE


def test_a_key_that_is_revoked_during_a_walk_is_not_locked(emulator: Emulator, endpoint: str) -> None:
    client = client_of(emulator, endpoint)
    emulator.latency = 0.1
    revoked = utc_now() + timedelta(hours=1)
    emulator.after_calls(11, lambda: setattr(emulator, "clock", lambda: revoked))
    try:
        with pytest.raises(DcsAccessDenied) as caught:
            read(client, 100)
    finally:
        emulator.latency = 0.0
        emulator.clock = utc_now
    assert caught.value.kind == "credentials_refused"
    assert 1 <= emulator.count("/backups", status=401) <= AT_ONCE
    assert client.list_backup_records(ORDERS_CACHE_ID).length > 0, "the gateway has locked the key"


def test_each_call_that_is_made_ahead_ends_by_its_deadline(emulator: Emulator, endpoint: str) -> None:
    emulator.hang(after=3)
    began = time.monotonic()
    with pytest.raises(DcsUnavailable) as caught:
        read(client_of(emulator, endpoint), 100, seconds=0.5)
    assert caught.value.kind == "timed_out"
    assert time.monotonic() - began < 2
    assert emulator.count("/backups") <= 3 + AT_ONCE
