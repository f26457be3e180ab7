"""Lighthouse's judgement of a history of a hundred rows, served as in production."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID

from ..browser.conftest import CHROMIUM, FLAGS
from ..npm import installed
from .served import Served

SOURCE = Path(__file__).parent / "lighthouse"
HISTORY = f"/projects/eu-prod/instances/{BULK_HISTORY_ID}/?per_page=100"
# What Lighthouse times is noisy on a machine that does other things too: the best of these counts.
TRIES = 3

pytestmark = [
    pytest.mark.needs("chromium", "chromium"),
    pytest.mark.needs("node", "nodejs"),
    pytest.mark.needs("npm", "npm"),
]


def judged(served: Served, device: str, *only: str) -> dict[str, Any]:
    """Return Lighthouse's report on a history as Ada sees it, from an empty browser."""
    asked = {
        "url": served.url + HISTORY,
        "cookies": [
            {"name": cookie.name, "value": cookie.value, "url": served.url}
            for cookie in served.signed_in().cookies
        ],
        "chromium": str(CHROMIUM),
        "flags": FLAGS.split(),
        "device": device,
        "only": only,
    }
    command = ["node", "judge.js", json.dumps(asked)]
    done = subprocess.run(command, cwd=installed(SOURCE), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def scores(report: dict[str, Any]) -> dict[str, float]:
    return {name: category["score"] * 100 for name, category in report["categories"].items()}


def lost(report: dict[str, Any]) -> list[str]:
    """Return what cost points, with what Lighthouse tells of each."""
    weighed = [
        report["audits"][entry["id"]]
        for category in report["categories"].values()
        for entry in category["auditRefs"]
        if entry["weight"]
    ]
    return [
        " ".join(str(audit.get(part, "")) for part in ("id", "displayValue", "title", "details"))
        for audit in weighed
        if audit["score"] is not None and audit["score"] < 1
    ]


def test_on_a_desk_a_hundred_rows_are_there_at_once(served: Served) -> None:
    """Judged with Lighthouse's desktop preset, whose network is simulated: 10 Mbit/s, 40 ms."""
    ada = served.signed_in()
    for _ in range(10):  # both workers have it at hand
        assert ada.get(served.url + HISTORY).text.count("data-backup-id=") == 100
    reports: list[dict[str, Any]] = []
    while len(reports) < TRIES and not any(scores(report)["performance"] >= 98 for report in reports):
        reports.append(judged(served, "desk", "performance"))
    best = max(reports, key=lambda report: scores(report)["performance"])
    assert scores(best)["performance"] >= 98, lost(best)


@pytest.mark.parametrize("device", ["desk", "phone"])
def test_nothing_is_found_against_accessibility_and_best_practices(served: Served, device: str) -> None:
    report = judged(served, device, "accessibility", "best-practices")
    assert scores(report) == {"accessibility": 100, "best-practices": 100}, lost(report)
