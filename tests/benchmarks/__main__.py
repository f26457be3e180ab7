"""./run bench [PART …] [--quick]: measures, and says what is wanted and what is reached."""

import argparse
import os
import platform
import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from . import board, collector, endurance, evidence, growth, house, pages, viewers, walks
from .report import FULL, PAGE, QUICK, as_text, write_docs

MODULES = (house, walks, pages, viewers, evidence, board, collector, growth, endurance)
PARTS = {module.__name__.rpartition(".")[2]: module.measure for module in MODULES} | {"suite": house.suite}
NAMED_ONLY = "suite"  # it takes its time
PACKAGES = ("Django", "waitress", "msgspec", "requests", "huaweicloudsdkdcs")


def main():
    asked = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file
    tables = {}
    for part in asked.parts:
        print(f"Measuring {part} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        tables[part] = PARTS[part](asked.effort)
        print(f"\n{part}, {time.monotonic() - began:.0f} s", as_text(tables[part]), sep="\n", flush=True)
    if asked.write_docs:
        versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        machine = f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
        write_docs(tables, f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {versions}.")


def _arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all but {NAMED_ONLY})")
    parser.add_argument("--quick", dest="effort", action="store_const", const=QUICK, default=FULL)
    parser.add_argument("--minutes", type=float, metavar="N", help="how long the portal is used in endurance")
    parser.add_argument("--write-docs", action="store_true", help=f"write the tables into docs/{PAGE.name}")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}: there are {', '.join(PARTS)}")
    if asked.minutes:
        asked.effort = replace(asked.effort, use_seconds=asked.minutes * 60)
    asked.parts = asked.parts or [part for part in PARTS if part != NAMED_ONLY]
    return asked


if __name__ == "__main__":
    main()
