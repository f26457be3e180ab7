"""`./run bench`: each part runs to its end and leaves no figure out. How good they are is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .benchmarks.__main__ import PARTS
from .benchmarks.report import BEGIN, END, Column, Table, Target, as_text, write_markdown
from .conftest import ROOT, shell_environment

TABLE = Table(
    "Walks", (Column("client", "client"), Column("wall", "wall", "ms")), [{"client": "a", "wall": 0.0125}]
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`bench("walks")` measures as little of that part as there is to measure, and returns what it found."""
    folder = tmp_path_factory.mktemp("bench")

    def run(part: str) -> dict[str, Any]:
        report = folder / f"{part}.json"
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", part, "--effort", "tiny", "--json", report],
            cwd=ROOT,
            env=shell_environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(report.read_text())
        for table in found["tables"]:
            assert table["title"] in done.stdout
        return found

    return run


NEEDS = {"viewers": pytest.mark.needs("redis-server", "redis-server")}


@pytest.mark.parametrize("part", [pytest.param(part, marks=NEEDS.get(part, ())) for part in PARTS])
def test_each_part_measures_all_that_it_is_to_measure(bench: Any, part: str) -> None:
    found = bench(part)

    assert found["tables"]
    for table in found["tables"]:
        assert table["rows"], table["title"]
        for row in table["rows"]:
            missing = [name for name, value in row.items() if value is None]
            assert not missing, (table["title"], row)
    assert [target["what"] for target in found["reach"] if target["measured"] is None] == []
    assert "Python" in found["machine"]


def test_a_part_that_does_not_exist_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "speed"],
        cwd=ROOT,
        env=shell_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "there is no part 'speed'" in done.stderr


@pytest.mark.parametrize(
    ("target", "wanted", "reached"),
    [
        (Target("a", 2.0, most=2.0), "2.00 x or less", True),
        (Target("a", 2.01, most=2.0), "2.00 x or less", False),
        (Target("a", 19.9, least=20), "20.00 x or more", False),
        (Target("a", 1, most=1, least=1, unit=" "), "exactly 1", True),
        (Target("a", 2, most=1, least=1, unit=" "), "exactly 1", False),
        (Target("a", 0, most=1, least=1, unit=" "), "exactly 1", False),
        (Target("a", None, most=1, why="no Redis"), "1.00 x or less", None),
    ],
)
def test_a_target_is_reached_or_not_or_not_measured(
    target: Target, wanted: str, reached: bool | None
) -> None:
    assert (target.wanted, target.reached) == (wanted, reached)


def test_figures_are_shown_in_units_that_people_read() -> None:
    assert [line.split() for line in as_text(TABLE).splitlines()[3:6]] == [
        ["client", "wall"],
        ["------", "-------"],
        ["a", "12.5", "ms"],
    ]


def test_the_tables_of_a_page_are_replaced_and_its_words_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Performance\n\n{BEGIN}\nold figures\n{END}\n\nMore words.\n")

    write_markdown(page, "Taken today.", [TABLE])

    assert page.read_text().splitlines() == [
        "# Performance",
        "",
        BEGIN,
        "Taken today.",
        "",
        "## Walks",
        "",
        "| client | wall |",
        "| --- | ---: |",
        "| a | 12.5 ms |",
        END,
        "",
        "More words.",
    ]
