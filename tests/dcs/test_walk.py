"""A walk of an offset-paged list ends, loses nothing, and says what it cannot vouch for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.dcs.errors import DcsAccessDenied, DcsUnavailable
from backups.dcs.pages import Page
from backups.dcs.walk import walk
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID, utc_now


@dataclass(frozen=True)
class Row:
    key: str


def of_the_list(server, shown):
    return len(server.rows)


def of_the_page(server, shown):
    return len(shown)


def absent(server, shown):
    return None


@dataclass
class Server:
    """A list server in memory, newest first; `before` holds what happens before the n-th call."""

    rows: list[str]
    total: Callable = of_the_list
    caps: tuple[int, ...] = (1000,)  # of one page after the other
    before: dict[int, Callable] = field(default_factory=dict)
    ignores_offset: bool = False
    calls: list[tuple[int, int]] = field(default_factory=list)
    misleads: bool = False  # as nobody can tell from a list's end: see walk's docstring

    def ask(self, offset, limit):
        assert offset >= 0
        assert 1 <= limit <= 1000, "DCS refuses any other limit"
        self.calls.append((offset, limit))
        self.before.get(len(self.calls), lambda server: None)(self)
        start = 0 if self.ignores_offset else offset
        shown = self.rows[start : start + min(limit, self.caps[len(self.calls) % len(self.caps)])]
        total = self.total(self, shown)
        if shown and len(shown) < limit and total == offset + len(shown) < len(self.rows):
            self.misleads = True
        return Page(tuple(Row(key) for key in shown), total, len(shown))

    def walk(self, max_records=20_000, page_size=1000):
        return walk(self.ask, page_size=page_size, max_records=max_records)


def names(count):
    return [f"r{number}" for number in range(count)]


def keys(result):
    return [row.key for row in result.records]


CALLS = {
    of_the_list: {0: 1, 1: 1, 10: 1, 999: 1, 1000: 2, 1001: 2, 2000: 3, 10_000: 11},
    of_the_page: {0: 1, 10: 1, 1000: 2, 1001: 3, 2500: 4, 3000: 5},
}
NEEDED = [(total, count, calls) for total, all_of in CALLS.items() for count, calls in all_of.items()]


@pytest.mark.parametrize(("total", "count", "calls"), NEEDED)
def test_a_list_is_read_whole_with_no_more_calls_than_it_needs(total, count, calls):
    server = Server(names(count), total=total)
    result = server.walk()
    assert keys(result) == names(count)
    assert (result.complete, len(server.calls)) == (True, calls)
    assert result.promised == count or total is of_the_page


@pytest.mark.parametrize("count", [0, 1, 10, 1000, 1001, 2999])
def test_without_any_total_a_list_is_read_until_nothing_new_comes(count):
    result = Server(names(count), total=absent).walk()
    assert keys(result) == names(count)
    assert (result.complete, result.promised) == (True, None)


@pytest.mark.parametrize("cap", [1, 2, 7, 100, 999])
@pytest.mark.parametrize("total", [of_the_list, absent])
def test_a_server_that_caps_its_pages_is_read_to_the_end(cap, total):
    server = Server(names(50 * min(cap, 40) + 3), caps=(cap,), total=total)
    result = server.walk()
    assert keys(result) == server.rows
    assert result.complete


def test_an_empty_page_before_the_promised_total_ends_the_walk_and_is_said():
    result = Server([], total=lambda server, shown: 42).walk()
    assert (keys(result), result.promised, result.cut_short, result.complete) == ([], 42, True, False)


@pytest.mark.parametrize("total", [0, 1, 3, 10**9])
def test_a_wrong_total_neither_loses_a_record_nor_loops(total):
    server = Server(names(2500), total=lambda server, shown: total)
    result = server.walk()
    assert keys(result) == names(2500)
    assert len(server.calls) <= 4
    assert (result.complete, result.cut_short) == (total < 2500, total > 2500)


def test_a_server_that_ignores_the_offset_is_left_and_not_believed():
    server = Server(names(2500), ignores_offset=True)
    result = server.walk()
    assert (len(result.records), result.complete, len(server.calls)) == (1000, False, 4)


def test_a_server_that_ignores_the_limit_is_read_all_the_same():
    rows = tuple(Row(key) for key in names(1500))
    result = walk(lambda offset, _: Page(rows[offset:], 1500, 1500 - offset), page_size=100, max_records=9)
    assert len(result.records) == 1500


# Lists that move ---------------------------------------------------------------


def remove_first(server):
    del server.rows[0]


def add_newest(server):
    server.rows.insert(0, f"new{len(server.calls)}")


def remove_and_add(server):
    remove_first(server)
    add_newest(server)


def remove_last_and_add(server):
    del server.rows[-1]
    add_newest(server)


def rotate_at_the_end(server):
    """What a list that shows its oldest first does: the order is undocumented."""
    remove_first(server)
    server.rows.append(f"new{len(server.calls)}")


CHANGES = (remove_first, add_newest, remove_last_and_add, rotate_at_the_end)
TOTALS = (of_the_list, of_the_page, absent)


@pytest.mark.parametrize("change", [*CHANGES, remove_and_add])
@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("call", [2, 3])
def test_a_change_during_the_walk_loses_no_record(change, total, call):
    server = Server(names(2500), total=total, before={call: change})
    there_before = set(server.rows)
    result = server.walk()
    assert there_before & set(server.rows) <= set(keys(result))
    assert result.complete
    assert len(server.calls) <= 10


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("total", TOTALS)
def test_a_list_that_never_stands_still_is_said_to_move(change, total):
    server = Server(names(2500), total=total, before=dict.fromkeys(range(2, 100), change))
    result = server.walk()
    assert (result.moved, result.complete) == (True, False)
    assert len(keys(result)) == len(set(keys(result)))
    assert len(server.calls) <= 10


@pytest.mark.parametrize("change", [remove_first, add_newest, lambda server: server.rows.clear()])
def test_a_total_that_changes_repeats_the_pass_once(change):
    server = Server(names(1500), before={2: change})
    result = server.walk()
    assert (keys(result), result.complete) == (server.rows, True)
    assert server.calls[:3] == [(0, 1000), (999, 1000), (0, 1000)]


# The maximum -------------------------------------------------------------------


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("maximum", [1, 10, 1000, 1500, 2000])
@pytest.mark.parametrize("more", [-1, 0, 1, 1500])
def test_a_history_beyond_the_maximum_is_cut_and_said_to_be(maximum, more, total):
    result = Server(names(maximum + more), total=total).walk(max_records=maximum)
    assert keys(result) == names(maximum + more)[:maximum]
    assert (result.truncated, result.complete) == (more > 0, more <= 0)


# Rows that cannot be read --------------------------------------------------------


@pytest.mark.parametrize("total", [3, None])
def test_rows_that_cannot_be_read_make_a_walk_incomplete(total):
    result = walk(lambda *_: Page((Row("a"), Row("b")), total, 3), page_size=9, max_records=99)
    assert (keys(result), result.complete) == (["a", "b"], False)


def test_pages_without_one_readable_row_do_not_go_on_for_ever():
    seen = []
    result = walk(lambda *_: Page((), 10**6, 1), page_size=1000, max_records=20_000, on_page=seen.append)
    assert (result.complete, len(seen)) == (False, 1)


def test_a_record_that_is_listed_twice_is_kept_once():
    assert keys(Server(["a", "b", "a"]).walk()) == ["a", "b"]


def test_each_page_is_shown_as_it_arrives():
    seen = []
    walk(Server(names(1001)).ask, page_size=1000, max_records=9999, on_page=seen.append)
    assert [page.length for page in seen] == [1000, 2]


# Trouble on the way ----------------------------------------------------------------


def read_bulk_history(client):
    return walk(
        lambda offset, limit: client.list_backup_records(BULK_HISTORY_ID, offset=offset, limit=limit),
        page_size=100,
        max_records=20_000,
    )


def test_a_long_history_is_read_whole_though_dcs_fails_for_a_moment(emulator, client_of):
    slept = []
    emulator.cut_body(after=2, times=1)
    emulator.fail_with(503, after=5, times=1)
    emulator.throttle(3, after=8, times=1)
    result = read_bulk_history(client_of(sleep=slept.append))
    rows = emulator.fleet.backups(BULK_HISTORY_ID)
    assert [record.backup_id for record in result.records] == [row.backup_id for row in rows]
    assert result.complete
    assert (len(slept), slept[2], emulator.count("/backups")) == (3, 3.0, 16 + 3)


def test_an_outage_in_the_middle_is_raised_and_no_shorter_list(emulator, client_of):
    emulator.fail_with(503, after=5)
    with pytest.raises(DcsUnavailable) as caught:
        read_bulk_history(client_of())
    assert caught.value.http_status == 503
    assert emulator.count("/backups") == 5 + 3


def test_a_key_that_is_revoked_during_a_walk_is_not_locked(emulator, client_of):
    client = client_of()
    emulator.after_calls(5, lambda: setattr(emulator, "clock", lambda: utc_now() + timedelta(hours=1)))
    with pytest.raises(DcsAccessDenied) as caught:
        read_bulk_history(client)
    emulator.clock = utc_now
    assert caught.value.kind == "credentials_refused"
    assert emulator.count("/backups", status=401) == 1
    assert client.list_backup_records(ORDERS_CACHE_ID).length > 0, "the gateway has locked the key"


# Any server ----------------------------------------------------------------------


def erratic(totals):
    return lambda server, shown: totals[len(server.calls) % len(totals)]


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 60),
    page_size=st.integers(2, 12),
    maximum=st.integers(2, 70),
    # Pages of one record leave no room for the overlap that shows a list moving.
    caps=st.lists(st.integers(2, 12), min_size=1, max_size=8).map(tuple),
    total=st.sampled_from([of_the_list, of_the_page, absent, erratic([10**9]), erratic([0])])
    | st.lists(st.integers(0, 100) | st.none(), min_size=1, max_size=5).map(erratic),
    changes=st.dictionaries(
        st.integers(2, 30), st.lists(st.tuples(st.booleans(), st.integers(0, 59)), max_size=4), max_size=6
    ),
)
def test_whatever_a_server_does_a_walk_ends_and_is_honest(count, page_size, maximum, caps, total, changes):
    always = set(names(count))

    def change(server):
        for adds, place in changes[len(server.calls)]:
            if adds:
                server.rows.insert(0, f"new{len(server.calls)}.{place}.{len(server.rows)}")
            elif server.rows:
                always.discard(server.rows.pop(place % len(server.rows)))

    server = Server(names(count), total=total, caps=caps, before=dict.fromkeys(changes, change))
    result = server.walk(maximum, page_size)

    assert len(keys(result)) == len(set(keys(result)))
    assert len(server.calls) <= 2 * (2 * (count + 4 * 6) + 4)
    assert {row.key for page in result.pages for row in page.records} == set(keys(result))
    if result.complete and not server.misleads:
        assert always <= set(keys(result))
