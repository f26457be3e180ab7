"""`/metrics` for Prometheus: what this server counts, over all of its worker processes, and what is known."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from backups.services.board import count_reasons, measured_instances
from backups.services.collector import collecting, evidence_age
from backups.services.insights import REASONS
from backups.services.projects import Project, configured_projects

REQUESTS = Counter("dcs_portal_requests", "Answered requests.", ["view", "method", "status"])
REQUEST_SECONDS = Histogram(
    "dcs_portal_request_seconds",
    "How long a request took, without the sending of its body.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_PROGRESS = Gauge(
    "dcs_portal_requests_in_progress", "Requests that are being answered.", multiprocess_mode="livesum"
)
SIGN_INS = Counter("dcs_portal_sign_ins", "Attempts to sign in, by how they ended.", ["outcome"])
RATE_LIMITED = Counter(
    "dcs_portal_rate_limited", "Requests refused for being too many, by what was asked.", ["limit"]
)


def begin(failures: Iterable[str]) -> None:
    """Let every series exist before its first event: an increase from nothing is none to Prometheus."""
    for outcome in ("ok", *failures):
        SIGN_INS.labels(outcome)
    RATE_LIMITED.labels("unknown")


# The page --------------------------------------------------------------------


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Tell the numbers of this server, and what is known of all instances together."""
    return _answer(request, lambda: generate_latest(_of_this_server()) + generate_latest(Known()))


@login_not_required
@require_safe
def instance_metrics(request: HttpRequest) -> HttpResponse:
    """Tell what is known of each instance: many series, so they have an address of their own."""
    return _answer(request, lambda: generate_latest(KnownInstances()))


def _answer(request: HttpRequest, tell: Callable[[], bytes]) -> HttpResponse:
    """Refuse who does not bring METRICS_TOKEN; without one the numbers are told on loopback only.

    Whether this is loopback follows from PORTAL_URL: behind a proxy every request comes from there.
    """
    text = "text/plain; charset=utf-8"
    if not settings.METRICS_TOKEN and not settings.ON_LOOPBACK:
        sentence = _("Metrics are off: METRICS_TOKEN is not set.")
        return HttpResponse(f"{sentence}\n", status=403, content_type=text)
    if settings.METRICS_TOKEN and not _brings_token(request):
        bearer = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return HttpResponse(status=401, content_type=text, headers=bearer)
    return HttpResponse(tell(), content_type=CONTENT_TYPE_LATEST)


def _brings_token(request: HttpRequest) -> bool:
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = given.strip().encode("latin-1", "replace")
    return scheme.lower() == "bearer" and hmac.compare_digest(token, settings.METRICS_TOKEN.encode())


def _of_this_server() -> CollectorRegistry:
    """Return what all workers have counted into their files; in a development server there are none."""
    if not (folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR")):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return registry


# What the database knows -------------------------------------------------------

# All servers tell the same of these; what has no value is left out, since 0 would be one.
KNOWN = {
    "evidence_oldest_age_seconds": "How old the list is that was not read for longest.",
    "evidence_median_age_seconds": "How old the list is that half of all are older than.",
    "instances_not_read": "Instances whose list of backups was never read.",
    "collector_lag_seconds": "How late the list is that should have been read first.",
}
HELD = "collector_held"


class Known:
    """Looks up what is known at the moment at which somebody asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families = {name: _gauge(name, says, "project") for name, says in KNOWN.items()}
        instances = _gauge("instances", "Instances by verdict.", "project", "verdict")
        by_reason = _gauge("instances_by_reason", "The same by the verdict's reason.", "project", "reason")
        try:
            for project in configured_projects().values():
                reasons = count_reasons(project, datetime.now(UTC))
                for verdict, of_verdict in REASONS.items() if reasons else ():
                    instances.add_metric([project.name, verdict], sum(reasons[one] for one in of_verdict))
                    for one in of_verdict:
                        by_reason.add_metric([project.name, one], reasons[one])
                for name, value in _known_of(project).items():
                    if value is not None:
                        families[name].add_metric([project.name], value)
        except DatabaseError:
            return  # which /readyz says
        yield from (*families.values(), instances, by_reason)
        is_held = bool(collecting())
        if settings.COLLECT or is_held:
            yield GaugeMetricFamily(f"dcs_portal_{HELD}", "Whether any process collects.", value=is_held)


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dcs_portal_{name}", says, labels=labels)


class KnownInstances:
    """Looks up what is known of each instance at the moment at which somebody asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ("project", "instance_id", "name")
        says = "The time that the data of the newest usable backup is from."
        newest = _gauge("instance_newest_usable_timestamp_seconds", says, *labels)
        verdicts = _gauge("instance_verdict", "1 for the verdict that holds.", *labels, "verdict", "reason")
        failures = _gauge("instance_failures_in_a_row", "Failures since the last success.", *labels)
        try:
            for one in measured_instances(configured_projects().values(), datetime.now(UTC)):
                of = [one.project, one.instance_id, one.name]
                verdicts.add_metric([*of, one.verdict, one.reason], 1)
                if one.newest_at:
                    newest.add_metric(of, one.newest_at.timestamp())
                if one.failures is not None:
                    failures.add_metric(of, one.failures)
        except DatabaseError:
            return  # which /readyz says
        yield from (newest, verdicts, failures)


def _known_of(project: Project) -> dict[str, float | None]:
    age = evidence_age(project, datetime.now(UTC))
    has_instances = age.read or age.not_read
    return {
        "evidence_oldest_age_seconds": age.oldest.total_seconds() if age.oldest else None,
        "evidence_median_age_seconds": age.median.total_seconds() if age.median else None,
        "instances_not_read": age.not_read if has_instances else None,
        "collector_lag_seconds": age.lag.total_seconds() if has_instances else None,
    }
