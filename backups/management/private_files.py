"""What lies under var/ (sessions, records, keys) is for the portal's own user alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(folder: Path) -> None:
    """Take all rights of others away below `folder`, and from what this process and its children make."""
    os.umask(OTHERS)
    for path in (folder, *folder.rglob("*")):
        with suppress(OSError):  # gone by now, or somebody else's: the doctor tells
            if not path.is_symlink() and path.stat().st_mode & OTHERS:
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def open_to_others(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` that others on this machine have a right to."""
    if not folder.is_dir() or not folder.stat().st_mode & OTHERS:
        return
    for path in folder.rglob("*"):
        with suppress(OSError):
            if not path.is_symlink() and path.is_file() and path.stat().st_mode & OTHERS:
                yield path
