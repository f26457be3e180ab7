"""What the services count for Prometheus: calls to DCS, listings served, waits and holds.

Labels have few values, all known beforehand: the configured projects, and the words below.
With several worker processes each counts in a file of its own, see dcsportal/metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

# What a request to DCS ended with: "ok" or the kind of its DcsError.
OUTCOMES = (
    "ok",
    "credentials_refused",
    "access_denied",
    "not_found",
    "rejected",
    "throttled",
    "server_error",
    "unreachable",
    "timed_out",
    "cut_short",
    "garbled",
    "error",
)
# How a listing reached its viewer: read for this view, fresh from the cache, older, or not at all.
FRESHNESS = ("live", "cache", "stale", "none")
# Why DCS is left alone.
HOLDS = ("credentials_refused", "throttled", "circuit_open")

CALLS = Counter(
    "dcs_portal_upstream_calls", "Requests sent to DCS, repetitions included.", ["project", "outcome"]
)
CALL_SECONDS = Histogram(
    "dcs_portal_upstream_call_seconds",
    "How long DCS took to answer one request, or the portal to give it up.",
    ["project"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SERVED = Counter("dcs_portal_listings_served", "Listings shown to viewers.", ["project", "freshness"])
AGE = Histogram(
    "dcs_portal_listing_age_seconds",
    "How old the listings were that viewers were shown.",
    ["project"],
    buckets=(1, 10, 60, 120, 300, 900, 3600, 21_600, 86_400),
)
WAITED = Histogram(
    "dcs_portal_refresh_wait_seconds",
    "How long viewers waited for a listing to be read.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
HELD = Counter("dcs_portal_holds", "Times that DCS was begun to be left alone.", ["project", "kind"])


def begin(projects: Iterable[str]) -> None:
    """Let every series exist before its first event: an increase from nothing is none to Prometheus."""
    for project in projects:
        for counter, values in ((CALLS, OUTCOMES), (SERVED, FRESHNESS), (HELD, HOLDS)):
            for value in values:
                counter.labels(project, value)
