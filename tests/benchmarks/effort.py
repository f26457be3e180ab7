"""How much a run measures. The ratios are the same ones; more rounds make them steadier."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WalkRounds:
    """`rounds` walks by each client in turn, `page_size` records a call, each call `latency` seconds late."""

    page_size: int
    latency: float
    rounds: int


@dataclass(frozen=True)
class Effort:
    records: int
    walks: tuple[WalkRounds, ...]
    page_rounds: int
    page_seconds: float
    viewers: int
    crowds: int
    hang_seconds: float
    faults: tuple[str, ...]
    latency: float
    sizes: tuple[int, ...]
    size_rounds: int
    soak_seconds: float
    hostile_rounds: int
    hostile_seconds: float
    steady_viewers: int
    quiet_rounds: int
    # Names of what breaks, none for all of it, and the seconds that it lasts.
    breakages: tuple[str, ...]
    breakage_seconds: float


# What the stub can do wrong.
FAULTS = ("failing", "unavailable", "throttling", "hanging")

EFFORTS = {
    "full": Effort(
        records=10_000,
        walks=(
            WalkRounds(1000, 0.0, 9),
            WalkRounds(1000, 0.03, 5),
            WalkRounds(100, 0.0, 7),
            WalkRounds(100, 0.03, 5),
            WalkRounds(10, 0.0, 3),
            WalkRounds(10, 0.03, 2),
        ),
        page_rounds=7,
        page_seconds=0.8,
        viewers=200,
        crowds=3,
        hang_seconds=6.0,
        faults=FAULTS,
        latency=0.1,
        sizes=(100, 1_000, 10_000, 100_000),
        size_rounds=5,
        soak_seconds=1200,
        hostile_rounds=6,
        hostile_seconds=2.5,
        steady_viewers=12,
        quiet_rounds=6,
        breakages=(),
        breakage_seconds=12.0,
    ),
    "quick": Effort(
        records=10_000,
        walks=(WalkRounds(1000, 0.0, 3), WalkRounds(100, 0.03, 1)),
        page_rounds=3,
        page_seconds=0.3,
        viewers=200,
        crowds=1,
        hang_seconds=1.5,
        faults=("failing", "hanging"),
        latency=0.1,
        sizes=(100, 1_000, 10_000),
        size_rounds=2,
        soak_seconds=120,
        hostile_rounds=2,
        hostile_seconds=2.0,
        steady_viewers=12,
        quiet_rounds=1,
        breakages=(),
        breakage_seconds=6.0,
    ),
    # For the test that all of it runs.
    "tiny": Effort(
        records=300,
        walks=(WalkRounds(100, 0.0, 1), WalkRounds(100, 0.03, 1), WalkRounds(1000, 0.0, 1)),
        page_rounds=1,
        page_seconds=0.05,
        viewers=12,
        crowds=1,
        hang_seconds=0.5,
        faults=("failing", "hanging"),
        latency=0.02,
        sizes=(10, 100),
        size_rounds=1,
        soak_seconds=6,
        hostile_rounds=1,
        hostile_seconds=0.3,
        steady_viewers=4,
        quiet_rounds=1,
        breakages=("a worker is killed", "the disk is full (one server, SQLite)"),
        breakage_seconds=1.0,
    ),
}
