"""Where the marks of the sparkline and the size chart lie, and how rates and changes are said."""

from __future__ import annotations

import pytest

from backups.services.insights.charts import Spark, axis, chart, round_size, spark
from backups.services.insights.sizes import sizes
from backups.services.insights.timeline import timeline
from backups.services.words import rate, size_change

from .api_records import EXPIRED, backup_at


@pytest.mark.parametrize(
    ("percent", "written"),
    [(100, "100 %"), (99.97, "99.9 %"), (96.666, "96.6 %"), (90, "90 %"), (7.25, "7.2 %"), (0, "0 %")],
)
def test_a_rate_is_cut_and_not_rounded(percent: float, written: str) -> None:
    assert rate(percent) == written


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (0.009, "+0.9 % against the one before"),
        (-0.014, "−1.4 % against the one before"),
        (-0.52, "−52 % against the one before"),
        (3, "+300 % against the one before"),
        (0.0004, "as large as the one before"),
    ],
)
def test_a_change_of_size_has_its_sign(part: float, written: str) -> None:
    assert size_change(part) == written


@pytest.mark.parametrize(
    ("largest", "steps"),
    [
        (2_320_000_000, ["3 GB", "2 GB", "1 GB", "0"]),
        (18_500_000_000, ["20 GB", "15 GB", "10 GB", "5 GB", "0"]),
        (74_100_000, ["80 MB", "60 MB", "40 MB", "20 MB", "0"]),
        (1_000_000_000, ["1 GB", "750 MB", "500 MB", "250 MB", "0"]),
        (3, ["3 bytes", "2 bytes", "1 byte", "0"]),
        (0, ["1 byte", "0"]),
    ],
)
def test_the_axis_has_round_sizes_from_zero_to_beyond_the_largest(largest: int, steps: list[str]) -> None:
    assert [round_size(step) for step in axis(largest)] == steps


def test_the_chart_places_sizes_by_time_and_from_zero_upwards() -> None:
    found = chart(
        sizes(
            timeline(
                [
                    backup_at("11-20 00:00", size=1_000_000_000, **EXPIRED),
                    backup_at("11-21 00:00", size=2_000_000_000),
                    backup_at("11-24 00:00", size=4_000_000_000),
                ]
            )
        )
    )

    assert [(mark.x, mark.y, mark.held) for mark in found.marks] == [
        ("0", "120", False),
        ("250", "80", True),
        ("1000", "0", True),
    ]
    assert found.line == "0,120 250,80 1000,0"
    assert (found.smallest, found.largest) == (1_000_000_000, 4_000_000_000)


def test_equal_sizes_make_a_level_sparkline() -> None:
    found = spark(sizes(timeline([backup_at(f"11-2{day} 00:00", size=5) for day in range(3)])))

    assert found == Spark("3,13 48,13 93,13", "93", "13")
