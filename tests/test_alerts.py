"""docs/alerts.yml speaks of what `/metrics` tells, by the names and labels that are there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import Counter, Gauge, Histogram, MetricWrapperBase

from backups.services.listings import metrics as services
from dcsportal.sso.failures import STATUS

from .conftest import ROOT

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAME = re.compile(r"\b(dcs_portal_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)(=~|!~|!=|=)\"([^\"]*)\"")
SUFFIXES: dict[type[MetricWrapperBase], tuple[str, ...]] = {
    Counter: ("_total",),
    Gauge: ("",),
    Histogram: ("_bucket", "_sum", "_count"),
}
VALUES = {
    "outcome": {*services.OUTCOMES, "ok", *STATUS},
    "kind": set(services.HOLDS),
    "freshness": set(services.FRESHNESS),
    "status": {"500"},
    "view": {"history"},
    "le": {str(float(bound)) for bound in services._LISTING_AGE._upper_bounds},
}


def known() -> dict[str, tuple[str, ...]]:
    """Return the labels of each series, by its name."""
    found = {}
    for metric in set(REGISTRY._collector_to_names):
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("dcs_portal_"):
            for suffix in SUFFIXES[type(metric)]:
                labels = (*metric._labelnames, "le") if suffix == "_bucket" else tuple(metric._labelnames)
                found[metric._name + suffix] = labels
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_names_only_what_is_told(rule: dict[str, Any]) -> None:
    names = NAME.findall(rule["expr"])

    assert names or rule["alert"] == "DcsPortalDown"
    for name, selectors in names:
        labels = known()[name]
        for label, operator, value in LABEL.findall(selectors):
            assert label in labels, f"{name} has no label {label}"
            for one in value.split("|") if operator.endswith("~") else [value]:
                assert one in VALUES[label], f"{label} is never {one}"
    for labels in re.findall(r"\bby \(([^)]*)\)", rule["expr"]):
        for label in labels.split(","):
            assert any(label.strip() in known()[name] for name, _ in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["what_to_do"].endswith(".")
