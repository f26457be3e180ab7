"""The files in which worker processes count for `/metrics`: one set for each, added up when asked for.

A folder belongs to one server, is emptied when that starts, and is named in
PROMETHEUS_MULTIPROC_DIR, which prometheus_client reads as it is imported.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# A file is mapped into memory: where the disk is full, writing to a page that has no place yet would
# end the process. So each has all its place from the start, more than its series need.
RESERVED_BYTES = 512 * 1024
_FILE = re.compile(r"(counter|histogram|gauge_livesum)_(\d+)\.db")
# Where the counts of dead workers go on: no process has this number.
_OF_THE_DEAD = 0

logger = logging.getLogger(__name__)


def reserve_files() -> None:
    """Make this process's files; without place for them it counts in its own memory only."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    try:
        for kind in ("counter", "histogram", "gauge_livesum"):
            with (Path(folder) / f"{kind}_{os.getpid()}.db").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
        with locked(Path(folder)):
            pass
    except OSError as error:
        del os.environ[VARIABLE]
        logger.warning("/metrics tells of one process only, since %s: %s", folder, error.strerror)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time add up, and move the counts of dead workers."""
    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _sum_up_dead_workers(folder)
        yield


def _sum_up_dead_workers(folder: Path) -> None:
    """Drop what dead workers said of the present, and move what they counted into one file.

    A worker that dies again and again would else leave a file each time.
    """
    for path in folder.iterdir():
        match = _FILE.fullmatch(path.name)
        if not match or int(match[2]) == _OF_THE_DEAD or _is_alive(int(match[2])):
            continue
        if match[1] != "gauge_livesum":
            _move_counts(path, folder / f"{match[1]}_{_OF_THE_DEAD}.db")
        with suppress(FileNotFoundError):
            path.unlink()


def _move_counts(source: Path, target: Path) -> None:
    from prometheus_client import mmap_dict

    files: Any = mmap_dict.MmapedDict  # it has no types
    sums = files(str(target))
    try:
        for key, value, _, _ in files.read_all_values_from_file(str(source)):
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    finally:
        sums.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, under another user
    return True
