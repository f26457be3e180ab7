"""What the listing service tells Prometheus, as an operator would read it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from backups.emulator.api import Emulator
from backups.services.projects import Project

from .conftest import problem_of, read, settled


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def served(freshness: str) -> float:
    return counted("dcs_portal_listings_served_total", project="eu-prod", freshness=freshness)


@pytest.mark.parametrize(("freshness", "after"), [("cache", 0), ("stale", 61)])
def test_listings_are_counted_by_how_fresh_they_were(eu: Project, freshness: str, after: float) -> None:
    live, before = served("live"), served(freshness)
    read(eu)
    read(eu, after=after)
    settled()

    assert (served("live") - live, served(freshness) - before) == (1, 1)


def test_a_viewer_who_got_nothing_is_counted(eu: Project, emulator: Emulator) -> None:
    before = served("none")
    emulator.fail_with(500)
    problem_of(eu)

    assert served("none") - before == 1


@pytest.mark.parametrize(("status", "kind"), [(401, "credentials_refused"), (429, "throttled")])
def test_a_hold_is_counted_once_however_many_meet_it(
    eu: Project, emulator: Emulator, status: int, kind: str
) -> None:
    before = counted("dcs_portal_holds_total", project="eu-prod", kind=kind)
    emulator.fail_with(status)
    for _ in range(3):
        problem_of(eu)

    assert counted("dcs_portal_holds_total", project="eu-prod", kind=kind) - before == 1
