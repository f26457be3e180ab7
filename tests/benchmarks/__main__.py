"""Measures the portal against the official SDK, plain views, Django's admin, and itself. Read the ratios.

Machines differ and so do their times; figures that are compared are taken in turns within one run.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import faults, growth, hostile, machine, pages, soak, viewers, walks
from .effort import EFFORTS, Effort
from .processes import Failed
from .report import FIGURES, Results, as_text, reach_table, write_markdown

PARTS: dict[str, Callable[[Effort], Results]] = {
    "walks": walks.measure,
    "pages": pages.measure,
    "viewers": viewers.measure,
    "growth": growth.measure,
    "hostile": hostile.measure,
    "soak": soak.measure,
    "faults": faults.measure,
}
# What runs only where it is named: it takes its time.
APART = ("hostile", "soak", "faults")


def main() -> int:
    arguments = _arguments()
    if not Path("/proc/self/stat").exists():
        _say("The benchmarks read /proc: they need Linux.")
        return 1
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    began = time.monotonic()
    results = Results()
    try:
        for part in arguments.parts:
            _say(f"Measuring {part} …")
            found = PARTS[part](_effort(arguments))
            for table in found.tables:
                print(as_text(table), flush=True)
            results.add(found)
    except Failed as failure:
        _say(f"Failed: {failure}")
        return 1
    _tell(arguments, results, time.monotonic() - began)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all but {', '.join(APART)})"
    )
    parser.add_argument("--effort", choices=EFFORTS, default="full", help="how much is measured (full)")
    parser.add_argument("--quick", dest="effort", action="store_const", const="quick", help="for a minute")
    parser.add_argument("--minutes", type=float, metavar="N", help="how long a soak takes (20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables into this page as well"
    )
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}: there are {', '.join(PARTS)}")
    arguments.parts = arguments.parts or [part for part in PARTS if part not in APART]
    return arguments


def _effort(arguments: argparse.Namespace) -> Effort:
    effort = EFFORTS[arguments.effort]
    return replace(effort, soak_seconds=arguments.minutes * 60) if arguments.minutes else effort


def _tell(arguments: argparse.Namespace, results: Results, seconds: float) -> None:
    described = machine.described()
    command = command_line()
    # Each of those that run by themselves has a place of its own in a page.
    name = next((part for part in arguments.parts if part in APART), FIGURES)
    reach = [reach_table(results.targets, name=name)] if results.targets else []
    for table in reach:
        print(as_text(table))
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    print(f"{command}: {seconds:.0f} s")
    if arguments.json:
        _write_json(arguments.json, command, seconds, described, results)
    if arguments.markdown:
        head = _head(command, seconds, described)
        write_markdown(arguments.markdown, head, [*reach, *results.tables], name=name)


def command_line() -> str:
    """What was called, without the files that are written."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--json", "--markdown"):
        parser.add_argument(name)
    return " ".join(["./run bench", *parser.parse_known_args()[1]])


def _write_json(
    path: Path, command: str, seconds: float, described: dict[str, str], results: Results
) -> None:
    report: dict[str, Any] = {"command": command, "seconds": seconds, "machine": described}
    path.write_text(json.dumps(report | results.as_json(), indent=2) + "\n")


def _head(command: str, seconds: float, described: dict[str, str]) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    versions = ", ".join(f"{name} {value}" for name, value in described.items() if name != "machine")
    return f"Taken on {day} by `{command}` in {seconds:.0f} s, on {described['machine']}, with {versions}."


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
