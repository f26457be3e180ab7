"""The caches: one file that all processes of a machine share and that may be lost at any time, or Redis."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import pytest

from dcsportal import embedded_cache
from dcsportal.embedded_cache import BytesAndText, EmbeddedCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.sqlite3"


@pytest.fixture
def cache(path: Path) -> EmbeddedCache:
    return another(path)


@pytest.fixture
def swept_at_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_cache, "SWEEP_SECONDS", 0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine others may write for longer than a view should wait."""
    monkeypatch.setattr(embedded_cache, "BUSY_SECONDS", 30)


def another(path: Path) -> EmbeddedCache:
    """What another process of the same machine has."""
    embedded_cache.cache_file.cache_clear()
    return EmbeddedCache(str(path), {})


VALUES = ["text", "", "中文", b"bytes \x00\xff", b"", 7]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_set_is_what_another_process_gets(
    cache: EmbeddedCache, path: Path, value: str | bytes | int
) -> None:
    cache.set("key", value, 60)

    got = another(path).get("key")

    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize("value", VALUES)
def test_what_redis_holds_comes_back_as_it_was(value: str | bytes | int) -> None:
    stored = BytesAndText().dumps(value)

    assert BytesAndText().loads(stored if isinstance(stored, bytes) else str(stored).encode()) == value


@pytest.mark.parametrize("value", [{"a": 1}, None, 1.5, True])
def test_nothing_is_kept_that_would_need_pickling(cache: EmbeddedCache, value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        cache.set("key", value, 60)
    with pytest.raises(TypeError, match=type(value).__name__):
        BytesAndText().dumps(value)  # type: ignore[arg-type]


def test_a_pickle_that_stands_in_redis_is_not_loaded() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        BytesAndText().loads(pickle.dumps({"a": 1}))


def test_many_keys_come_at_once_and_those_that_are_missing_or_have_expired_are_left_out(
    cache: EmbeddedCache,
) -> None:
    cache.set_many({"a": "1", "b": b"2"}, 60)
    cache.set("expired", "3", 0)

    assert cache.get_many(["a", "b", "c", "expired"]) == {"a": "1", "b": b"2"}
    assert not cache.touch("expired", 60)


@pytest.mark.usefixtures("patient")
def test_of_all_who_add_at_once_one_is_told_that_it_was_first(path: Path) -> None:
    with ThreadPoolExecutor(8) as processes:
        told = list(
            processes.map(lambda cache: cache.add("key", "mine", 60), [another(path) for _ in range(8)])
        )

    assert sorted(told) == [False] * 7 + [True]


def test_what_has_expired_may_be_added_again_and_what_was_deleted_is_gone(cache: EmbeddedCache) -> None:
    cache.set("key", "old", -1)

    assert cache.add("key", "new", 60)
    assert cache.get("key") == "new"
    assert cache.delete("key")
    assert not cache.delete("key")
    assert not cache.has_key("key")


def _count(path: Path) -> None:
    cache = another(path)
    for _ in range(200):
        cache.incr("visits")


def test_no_count_is_lost_between_processes(cache: EmbeddedCache, path: Path) -> None:
    cache.set("visits", 0, 60)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_count, args=(path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert cache.get("visits") == 400


def test_counting_what_is_not_there_is_an_error_as_django_says(cache: EmbeddedCache) -> None:
    with pytest.raises(ValueError, match="nobody"):
        cache.incr("nobody")


@pytest.mark.usefixtures("patient")
def test_threads_that_write_at_once_wait_for_each_other_and_share_two_connections(path: Path) -> None:
    body = b"x" * 400_000
    another(path)

    def write(number: int) -> None:
        own = EmbeddedCache(str(path), {})  # as Django does, one for each thread
        for page in range(10):
            own.set(f"page:{number}:{page}", body, 60)
            assert own.get(f"page:{number}:{page}") == body

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(write, range(12)))

    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert links.count(str(path)) == 2


def test_while_another_process_writes_for_long_it_is_read_and_a_write_gives_up(
    cache: EmbeddedCache, path: Path
) -> None:
    cache.set("key", "old", 60)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        cache.set("key", "new", 60)

    assert cache.get("key") == "old"
    other.close()


# A file that is lost or spoilt -----------------------------------------------


def _spoil(path: Path) -> None:
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def _take_away(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


@pytest.mark.parametrize("lose", [_spoil, _take_away])
def test_a_file_that_is_lost_or_spoilt_is_begun_anew_for_all_processes(
    cache: EmbeddedCache, path: Path, lose: object
) -> None:
    other = another(path)
    for one in (cache, other):
        one.set("key", "old", 60)
    lose(path)  # type: ignore[operator]

    assert other.get("key") is None
    cache.set("key", "new", 60)
    assert other.get("key") == "new"
    other.set("key", "newer", 60)
    assert cache.get("key") == "newer"


def test_a_file_that_is_no_database_is_begun_anew(cache: EmbeddedCache, path: Path) -> None:
    path.write_bytes(b"what a broken disk left behind" * 400)

    cache.set("key", "new", 60)

    assert another(path).get("key") == "new"


def test_a_file_that_another_process_is_just_making_is_waited_for(cache: EmbeddedCache, path: Path) -> None:
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    Timer(0.1, maker.close).start()

    cache.set("key", "text", 60)

    assert cache.get("key") == "text"


def test_a_place_that_cannot_be_written_is_an_error_that_callers_know(tmp_path: Path) -> None:
    cache = another(tmp_path / "no such folder" / "cache.sqlite3")

    with pytest.raises(sqlite3.Error):
        cache.get("key")


# What leaves it --------------------------------------------------------------


@pytest.mark.usefixtures("swept_at_each_write")
def test_what_expired_leaves_the_file(cache: EmbeddedCache, path: Path) -> None:
    cache.set_many({f"page:{n}": b"x" * 1000 for n in range(60)}, -1)
    cache.set("last", "one", 60)

    assert sqlite3.connect(path).execute("SELECT key FROM entries").fetchall() == [(":1:last",)]


@pytest.mark.usefixtures("swept_at_each_write")
def test_a_file_beyond_its_bound_loses_what_expires_first(
    cache: EmbeddedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_cache, "MAX_BYTES", 2_000_000)
    for number in range(300):
        cache.set(f"page:{number}", b"x" * 10_000, 1000 + number)

    left = [number for number in range(300) if cache.get(f"page:{number}")]

    assert 60 < len(left) < 200
    assert left == list(range(300 - len(left), 300))
