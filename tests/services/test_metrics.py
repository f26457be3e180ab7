"""What the services count, as Prometheus is told it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import metrics
from backups.services.listings.clients import client_for
from backups.services.projects import Project

Counted = Callable[..., float]


@pytest.fixture
def counted() -> Counted:
    """`counted(name, **labels)` is by how much that series has grown since it was first asked for."""
    before: dict[tuple[str, ...], float] = {}

    def grown(name: str, **labels: str) -> float:
        value = REGISTRY.get_sample_value(f"dcs_portal_{name}", labels) or 0.0
        return value - before.setdefault((name, *labels.values()), value)

    return grown


def test_each_request_to_dcs_is_counted_with_its_outcome_and_time(
    eu: Project, emulator: Emulator, counted: Counted
) -> None:
    def look() -> tuple[float, float, float]:
        return (
            counted("upstream_calls_total", project="eu-prod", outcome="ok"),
            counted("upstream_calls_total", project="eu-prod", outcome="server_error"),
            counted("upstream_call_seconds_count", project="eu-prod"),
        )

    look()
    emulator.fail_with(503, times=1)
    client_for(eu).show_instance(ORDERS_CACHE_ID)

    assert look() == (1, 1, 2)


def test_a_listing_is_counted_by_its_freshness_and_age(counted: Counted) -> None:
    def look() -> tuple[float, float, float]:
        return (
            counted("listings_served_total", project="eu-prod", freshness="stale"),
            counted("listing_age_seconds_bucket", project="eu-prod", le="60.0"),
            counted("listing_age_seconds_bucket", project="eu-prod", le="120.0"),
        )

    look()
    metrics.listing_served("eu-prod", "stale", 61.0)
    metrics.listing_served("eu-prod", "stale", -3.0)  # of a clock that was put back

    assert look() == (2, 1, 2)


def test_a_view_with_no_listing_has_no_age(counted: Counted) -> None:
    counted("listing_age_seconds_count", project="eu-prod")
    metrics.listing_served("eu-prod", "none")

    assert counted("listing_age_seconds_count", project="eu-prod") == 0


def test_waits_and_holds_are_counted(counted: Counted) -> None:
    def look() -> tuple[float, float, float]:
        return (
            counted("refresh_wait_seconds_count"),
            counted("refresh_wait_seconds_sum"),
            counted("holds_total", project="eu-prod", kind="circuit_open"),
        )

    look()
    metrics.refresh_waited(0.75)
    metrics.hold("eu-prod", "circuit_open")

    assert look() == (1, 0.75, 1)


def test_a_word_that_is_not_known_makes_no_series_of_its_own() -> None:
    metrics.upstream_call("eu-prod", "surprise", 0.1)
    metrics.listing_served("eu-prod", "surprise")
    metrics.hold("eu-prod", "surprise")

    values = {value for metric in REGISTRY.collect() for s in metric.samples for value in s.labels.values()}
    assert "surprise" not in values


def test_every_series_of_a_project_is_there_before_its_first_event() -> None:
    metrics.begin(["brand-new"])

    for name, label, values in (
        ("upstream_calls_total", "outcome", metrics.OUTCOMES),
        ("listings_served_total", "freshness", metrics.FRESHNESS),
        ("holds_total", "kind", metrics.HOLDS),
    ):
        for value in values:
            assert (
                REGISTRY.get_sample_value(f"dcs_portal_{name}", {"project": "brand-new", label: value}) == 0
            )
