"""What the services count, as Prometheus is told it."""

from contextlib import suppress

import pytest
from prometheus_client import REGISTRY

from backups.dcs.errors import DcsError
from backups.services.listings import client_for, metrics

from .conftest import ORDERS, problem_of, read, settled


@pytest.fixture
def grown():
    """`grown(name, **labels)` is by how much that series of eu-prod has grown since it was last asked for."""
    before = {}

    def by(name, **labels):
        labels = {"project": "eu-prod", **labels}
        value = REGISTRY.get_sample_value(f"dcs_portal_{name}", labels) or 0.0
        key = (name, *labels.values())
        grown, before[key] = value - before.get(key, value), value
        return grown

    return by


def test_each_request_to_dcs_is_counted_with_its_outcome_and_time(eu, emulator, grown):
    def look():
        outcomes = [grown("upstream_calls_total", outcome=outcome) for outcome in ("ok", "server_error")]
        return [*outcomes, grown("upstream_call_seconds_count")]

    look()
    emulator.fail_with(503, times=1)
    with suppress(DcsError):
        client_for(eu).show_instance(ORDERS)
    client_for(eu).show_instance(ORDERS)

    assert look() == [1, 1, 2]


def test_listings_are_counted_by_how_fresh_they_were_with_their_age(eu, emulator, grown):
    def look():
        served = [grown("listings_served_total", freshness=freshness) for freshness in metrics.FRESHNESS]
        return [*served, *(grown("listing_age_seconds_bucket", le=le) for le in ("60.0", "120.0"))]

    look()
    emulator.fail_with(500, times=1)
    problem_of(eu)
    assert look() == [0, 0, 0, 1, 0, 0]

    for after in (5, 5, 66):  # the first reads it
        read(eu, after=after)
    settled()
    assert look() == [1, 1, 1, 0, 2, 3]

    metrics.listing_served("eu-prod", "stale", -3.0)  # of a clock that was put back
    assert look() == [0, 0, 1, 0, 1, 1]


@pytest.mark.parametrize(("status", "kind"), [(401, "credentials_refused"), (429, "throttled")])
def test_a_hold_is_counted_once_however_many_meet_it(eu, emulator, grown, status, kind):
    grown("holds_total", kind=kind)
    emulator.fail_with(status)
    for _ in range(3):
        problem_of(eu)

    assert grown("holds_total", kind=kind) == 1


def test_a_wait_is_counted_with_its_length():
    def look():
        return [
            REGISTRY.get_sample_value(f"dcs_portal_refresh_wait_seconds_{of}") or 0 for of in ("count", "sum")
        ]

    before = look()
    metrics.refresh_waited(0.75)

    assert [now - then for now, then in zip(look(), before, strict=True)] == [1, 0.75]


def test_every_series_of_a_project_is_there_before_its_first_event():
    metrics.begin(["brand-new"])

    for name, label, values in (
        ("upstream_calls_total", "outcome", metrics.OUTCOMES),
        ("listings_served_total", "freshness", metrics.FRESHNESS),
        ("holds_total", "kind", metrics.HOLDS),
    ):
        found = [
            REGISTRY.get_sample_value(f"dcs_portal_{name}", {"project": "brand-new", label: value})
            for value in values
        ]
        assert found == [0] * len(values)
