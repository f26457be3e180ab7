"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

from .engines import postgresql_program

PACKAGES = ("Django", "granian", "msgspec", "requests", "urllib3", "huaweicloudsdkdcs", "redis", "psycopg")


def described() -> dict[str, str]:
    return {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {_processor()}, {_memory()}",
        "system": platform.system(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "redis-server": _version_of("redis-server", r"v=([0-9.]+)"),
        "nginx": _version_of("nginx", r"nginx/([0-9.]+)"),
        "PostgreSQL": _version_of(postgresql_program("postgres"), r"([0-9.]+)"),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _version_of(program: str, pattern: str) -> str:
    path = shutil.which(program)
    if path is None:
        return "not installed"
    option = "-v" if program == "nginx" else "--version"
    done = subprocess.run([path, option], capture_output=True, text=True, check=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
