"""The embedded cache: one file that all processes of a machine share, and that may be lost at any time."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread, Timer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcsportal import embedded_cache
from dcsportal.cache_file import MOST_IDLE, CacheFile
from dcsportal.embedded_cache import EmbeddedCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.sqlite3"


@pytest.fixture
def cache(path: Path) -> EmbeddedCache:
    return another(path)


def another(path: Path) -> EmbeddedCache:
    """What another process of the same machine has."""
    cache = EmbeddedCache(str(path), {})
    cache._file = CacheFile(str(path))
    return cache


@pytest.mark.parametrize("value", ["text", "", "中文", b"bytes \x00\xff", b"", 7])
def test_what_is_set_is_what_another_process_gets(
    cache: EmbeddedCache, path: Path, value: str | bytes | int
) -> None:
    cache.set("key", value, 60)

    got = another(path).get("key")

    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize("value", [{"a": 1}, None, 1.5, True, ["x"]])
def test_nothing_is_kept_that_would_need_pickling(cache: EmbeddedCache, value: object) -> None:
    with pytest.raises(TypeError):
        cache.set("key", value, 60)


def test_many_keys_come_by_one_question_and_missing_ones_are_left_out(cache: EmbeddedCache) -> None:
    cache.set_many({"a": "1", "b": b"2"}, 60)

    assert cache.get_many(["a", "b", "c"]) == {"a": "1", "b": b"2"}


def test_what_has_expired_is_gone(cache: EmbeddedCache) -> None:
    cache.set_many({"a": "1"}, 0)
    cache.set("b", "2", -1)

    assert cache.get_many(["a", "b"]) == {}
    assert not cache.touch("a", 60)


def test_of_all_who_add_at_once_one_is_told_that_it_was_first(path: Path) -> None:
    caches = [another(path) for _ in range(8)]
    told: list[bool] = []
    threads = [Thread(target=lambda c=c: told.append(c.add("key", "mine", 60))) for c in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [False] * 7 + [True]


def test_what_has_expired_may_be_added_again(cache: EmbeddedCache) -> None:
    cache.set("key", "old", -1)

    assert cache.add("key", "new", 60)
    assert cache.get("key") == "new"


def _count(path: Path) -> None:
    cache = another(path)
    for _ in range(200):
        cache.incr("visits")


def test_no_count_is_lost_between_processes(cache: EmbeddedCache, path: Path) -> None:
    cache.set("visits", 0, 60)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_count, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert cache.get("visits") == 600


def test_counting_what_is_not_there_is_an_error_as_django_says(cache: EmbeddedCache) -> None:
    with pytest.raises(ValueError, match="nobody"):
        cache.incr("nobody")


def test_a_file_that_is_no_database_any_more_is_begun_anew(cache: EmbeddedCache, path: Path) -> None:
    cache.set("key", "old", 60)
    other = another(path)
    cache._file.forget_connections()
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(b"what a broken disk left behind" * 400)

    assert other.get("key") is None
    cache.set("key", "new", 60)
    assert other.get("key") == "new"


def test_a_file_that_another_process_has_begun_anew_is_not_taken_from_it(
    cache: EmbeddedCache, path: Path
) -> None:
    other = another(path)
    for one in (cache, other):
        one.set("key", "old", 60)
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)

    cache.set("key", "new", 60)

    assert other.get("key") == "new"


def test_a_file_that_another_process_is_just_making_is_waited_for(cache: EmbeddedCache, path: Path) -> None:
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    Timer(0.1, maker.close).start()

    cache.set("key", "text", 60)

    assert cache.get("key") == "text"


def test_many_who_write_at_once_wait_for_each_other(path: Path) -> None:
    body, together = b"x" * 400_000, Barrier(12)
    errors: list[sqlite3.Error] = []

    def write(number: int) -> None:
        cache = another(path)
        together.wait()
        try:
            for page in range(30):
                cache.set(f"page:{number}:{page % 3}", body, 60)
        except sqlite3.Error as error:
            errors.append(error)

    threads = [Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors


def test_threads_share_few_connections_however_many_there_are(path: Path) -> None:
    def look() -> None:
        EmbeddedCache(str(path), {}).get("key")  # as Django does, one for each thread

    for _ in range(40):
        thread = Thread(target=look)
        thread.start()
        thread.join()

    assert _open_to(path) == 1

    together = Barrier(40)
    file = EmbeddedCache(str(path), {})._file
    threads = [Thread(target=lambda: file.read(lambda db: together.wait())) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(file._idle) == MOST_IDLE


def _open_to(path: Path) -> int:
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return links.count(str(path))


def test_a_connection_that_was_in_use_while_the_file_was_taken_away_is_not_used_again(path: Path) -> None:
    cache = EmbeddedCache(str(path), {})
    cache.set("key", "old", 60)
    in_use, taken_away = Barrier(2), Barrier(2)

    def look(db: object) -> None:
        in_use.wait()
        taken_away.wait()

    slow = Thread(target=lambda: cache._file.read(look))
    slow.start()
    in_use.wait()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    cache._file.forget_connections()
    cache.set("key", "new", 60)
    taken_away.wait()
    slow.join()

    assert cache.get("key") == "new"
    assert another(path).get("key") == "new"


def test_a_file_that_was_taken_away_is_made_again_for_all(
    cache: EmbeddedCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_cache, "SWEEP_SECONDS", 0.0)
    other = another(path)
    cache.set("key", "old", 60)
    other.set("key", "old", 60)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)

    for one in (cache, other):
        one.set("any", "write", 60)  # finds out, and opens the new file the next time
    cache.set("key", "new", 60)

    assert other.get("key") == "new"


def test_a_place_that_cannot_be_written_is_an_error_that_callers_know(tmp_path: Path) -> None:
    cache = another(tmp_path / "no such folder" / "cache.sqlite3")

    with pytest.raises(sqlite3.Error):
        cache.get("key")


def test_what_expired_leaves_the_file(
    cache: EmbeddedCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_cache, "SWEEP_SECONDS", 0.0)
    cache.set_many({f"page:{n}": b"x" * 1000 for n in range(50)}, -1)
    cache.set("last", "one", 60)

    rows = sqlite3.connect(path).execute("SELECT key FROM entries").fetchall()

    assert [key for (key,) in rows if "page" in key] == []


def test_a_file_beyond_its_bound_loses_what_expires_first(
    cache: EmbeddedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_cache, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(embedded_cache, "MAX_BYTES", 200_000)
    for number in range(60):
        cache.set(f"page:{number}", b"x" * 10_000, 1000 + number)

    left = [number for number in range(60) if cache.get(f"page:{number}")]

    assert 3 < len(left) < 35
    assert 59 in left
    assert 0 not in left


# What a connection remembers -----------------------------------------------------------


WRITES: dict[str, Callable[[EmbeddedCache, str], object]] = {
    "set": lambda cache, key: cache.set(key, "text", 60),
    "set for no time": lambda cache, key: cache.set(key, "text", 0),
    "add": lambda cache, key: cache.add(key, "first", 60),
    "count": lambda cache, key: cache.incr(key) if isinstance(cache.get(key), int) else cache.set(key, 1, 60),
    "touch": lambda cache, key: cache.touch(key, 60),
    "end": lambda cache, key: cache.touch(key, 0),
    "delete": lambda cache, key: cache.delete(key),
    "clear": lambda cache, key: cache.clear(),
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WRITES)), st.sampled_from("ab"), st.integers(0, 1)), max_size=12
    )
)
def test_a_look_shows_what_was_written_last_whoever_wrote_it(steps: list[tuple[str, str, int]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cache.sqlite3"
        both = another(path), another(path)
        for write, key, writer in steps:
            WRITES[write](both[writer], key)
            # One that has just been opened remembers nothing.
            truth = another(path).get_many(["a", "b"])
            for cache in both:
                assert cache.get_many(["a", "b"]) == cache.get_many(["a", "b"]) == truth
                assert {k: v for k in "ab" if (v := cache.get(k)) is not None} == truth


def test_what_is_remembered_ends_when_it_expires(cache: EmbeddedCache) -> None:
    began = time.monotonic()
    cache.set("short", "text", 0.3)

    while cache.get("short") is not None:
        assert time.monotonic() - began < 5

    assert time.monotonic() - began >= 0.29


def test_pages_of_lists_are_not_held_a_second_time(cache: EmbeddedCache, path: Path) -> None:
    cache.set_many({"page": b"x" * 1_000_000, "pointer": "p"}, 60)
    tracemalloc.start()

    for _ in range(3):
        assert len(cache.get("page")) == 1_000_000
        assert cache.get("pointer") == "p"

    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 500_000
