"""What the services count, as Prometheus is told it."""

from contextlib import suppress

import pytest
from prometheus_client import REGISTRY

from backups.dcs.errors import DcsError
from backups.services.listings import client_for, metrics

from .conftest import ORDERS, problem_of, read, settled


def value(name, **labels):
    return REGISTRY.get_sample_value(f"dcs_portal_{name}", labels)


@pytest.fixture
def grown():
    """`grown(name, **labels)` is by how much that series of eu-prod has grown since it was last asked for."""
    before = {}

    def by(name, **labels):
        key, now = (name, *labels.values()), value(name, project="eu-prod", **labels) or 0.0
        grown, before[key] = now - before.get(key, now), now
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


def test_listings_are_counted_by_how_fresh_they_were_with_their_age_and_who_waits(eu, emulator, grown):
    def look():
        served = [grown("listings_served_total", freshness=freshness) for freshness in metrics.FRESHNESS]
        return [*served, *(grown("listing_age_seconds_bucket", le=le) for le in ("60.0", "120.0"))]

    look()
    emulator.fail_with(500, times=1)
    problem_of(eu)
    assert look() == [0, 0, 0, 1, 0, 0]

    waited = value("refresh_wait_seconds_count")
    for after in (5, 5, 66):  # the first reads it
        read(eu, after=after)
    settled()
    assert look() == [1, 1, 1, 0, 2, 3]
    assert value("refresh_wait_seconds_count") == waited + 1


@pytest.mark.parametrize(("status", "kind"), [(401, "credentials_refused"), (429, "throttled")])
def test_a_hold_is_counted_once_however_many_meet_it(eu, emulator, grown, status, kind):
    grown("holds_total", kind=kind)
    emulator.fail_with(status)
    for _ in range(3):
        problem_of(eu)

    assert grown("holds_total", kind=kind) == 1


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("upstream_calls", "outcome", metrics.OUTCOMES),
        ("listings_served", "freshness", metrics.FRESHNESS),
        ("holds", "kind", metrics.HOLDS),
    ],
)
def test_every_series_of_a_project_is_there_before_its_first_event(name, label, values):
    metrics.begin(["brand-new"])

    assert {value(f"{name}_total", project="brand-new", **{label: one}) for one in values} == {0}
