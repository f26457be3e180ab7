"""The fuzzing tests once more on PostgreSQL, which refuses text that SQLite takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ..benchmarks.processes import ROOT
from .postgresql import Postgres

FILES = ("tests/test_fuzzing.py", "tests/sso/test_company_sign_in.py", "tests/sso/test_proxy_sign_in.py")


def test_whatever_is_sent_is_answered_on_postgresql_too(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES],
            cwd=ROOT,
            env=os.environ | {"TESTS_DATABASE_URL": postgres.url, "FUZZ_EXAMPLES": "15"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        postgres.stop()

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
