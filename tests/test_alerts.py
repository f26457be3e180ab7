"""docs/alerts.yml speaks of what `/metrics` tells, by the names and labels that are there."""

import json
import re
import subprocess

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import Counter, Gauge, Histogram, MetricWrapperBase

from backups.services.insights import REASONS
from backups.services.listings import metrics as services
from dcsportal.metrics import HELD, KNOWN
from dcsportal.sso.failures import STATUS

from .conftest import ROOT

GROUPS = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
NAME = re.compile(r"\b(dcs_portal_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)(=~|!~|!=|=)\"([^\"]*)\"")
SUFFIXES = {Counter: ("_total",), Gauge: ("",), Histogram: ("_bucket", "_sum", "_count")}
VALUES = {
    "outcome": {*services.OUTCOMES, "ok", *STATUS},
    "kind": set(services.HOLDS),
    "freshness": set(services.FRESHNESS),
    "status": {"500"},
    "view": {"history"},
    "verdict": set(REASONS),
    "reason": {reason for reasons in REASONS.values() for reason in reasons},
    "le": {str(float(bound)) for bound in services.AGE._upper_bounds},
}


def known():
    found = {f"dcs_portal_{name}": ("project",) for name in KNOWN} | {f"dcs_portal_{HELD}": ()}
    found["dcs_portal_instances"] = ("project", "verdict")
    found["dcs_portal_instances_by_reason"] = ("project", "reason")
    for metric in set(REGISTRY._collector_to_names):
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("dcs_portal_"):
            for suffix in SUFFIXES[type(metric)]:
                labels = (*metric._labelnames, "le") if suffix == "_bucket" else tuple(metric._labelnames)
                found[metric._name + suffix] = labels
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_names_only_what_is_told_and_says_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert all(rule["annotations"][name].endswith(".") for name in ("summary", "what_to_do"))
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


def test_the_dashboard_shows_only_what_is_told():
    dashboard = json.loads((ROOT / "docs" / "dashboard.json").read_text())
    told = known()
    for name in ("newest_usable_timestamp_seconds", "failures_in_a_row"):
        told[f"dcs_portal_instance_{name}"] = ("project", "instance_id", "name")

    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            for name, selectors in NAME.findall(target["expr"]):
                assert {label for label, _, _ in LABEL.findall(selectors)} <= set(told[name])


# What is told each minute, first while all is well, then while it is not, and how the alert says it.
FIRING = {
    "DcsCollectorGone": (
        *("collector_held{%s}", "1+0x30 0+0x30"),
        "No server reads the lists of backups any more: what is shown is getting old.",
    ),
    "DcsObjectiveMissed": (
        *('instances_by_reason{%s, project="eu-prod", reason="objective_missed"}', "0+0x25 3+0x40"),
        "3 instances of project eu-prod have no usable backup as new as agreed.",
    ),
    "DcsBackupsFailing": (
        *('instances_by_reason{%s, project="eu-prod", reason="failing"}', "0+0x25 2+0x40"),
        "The backups of 2 instances of project eu-prod fail again and again.",
    ),
    "DcsNoUsableBackup": (
        *('instances{%s, project="eu-prod", verdict="none"}', "0+0x1 5+0x70"),
        "5 instances of project eu-prod have no usable backup.",
    ),
    "DcsEvidenceTooOld": (
        *('evidence_oldest_age_seconds{%s, project="eu-prod"}', "7000+0x30 8000+0x30"),
        "A list of backups of project eu-prod was not read for 2h 13m 20s.",
    ),
}


@pytest.mark.needs("promtool", "prometheus")
@pytest.mark.parametrize("alert", FIRING)
def test_an_alert_of_all_servers_fires_once_when_it_has_been_true_for_a_while(alert, tmp_path):
    series, values, summary = FIRING[alert]
    rule = next(rule for rule in RULES if rule["alert"] == alert)
    labels = rule["labels"] | ({"project": "eu-prod"} if "project" in series else {})
    fired = {"exp_labels": labels, "exp_annotations": rule["annotations"] | {"summary": summary}}
    names = [f"dcs_portal_{series}" % f'instance="{server}"' for server in ("one", "two")]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name in names],
        "alert_rule_test": [
            {"eval_time": "35m", "alertname": alert, "exp_alerts": []},
            {"eval_time": "65m", "alertname": alert, "exp_alerts": [fired]},
        ],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(ROOT / "docs" / "alerts.yml")], "tests": [test]}))

    result = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
