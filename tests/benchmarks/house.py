"""How large the house is, and how long its tests take."""

import subprocess
import sys
import time

from .report import Row
from .servers import ROOT


def measure(effort):
    tests = _lines("tests/*.py")
    python = _lines("*.py", ":!tests", ":!*/migrations/*")
    return [
        Row("lines of Python outside tests and migrations", python, "", most=12_000),
        Row("lines of Python with tests", python + tests, "", most=28_000),
        Row("lines of tests", tests, "", most=16_000),
        Row("lines of templates", _lines("templates"), ""),
        Row("lines of own scripts and styles", _lines("static/*.js", "static/*.css", ":!*vendor*"), ""),
    ]


def _lines(*paths):
    """Count the lines of what git tracks there."""
    listed = subprocess.check_output(["git", "ls-files", *paths], cwd=ROOT, text=True)
    return sum((ROOT / path).read_bytes().count(b"\n") for path in listed.splitlines())


def suite(effort):
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=ROOT, stdout=sys.stderr, check=False)
    return [
        Row("./run test", (time.monotonic() - began) / 60, " min", most=8),
        Row("its exit code", done.returncode, "", most=0),
    ]
