"""What goes wrong with DCS during a soak, one thing after another, with time to recover between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet

WELL = "is well"
# It is deleted while others go on.
DELETED = ORDERS_CACHE_ID
# The project whose key is refused: the portal then leaves it alone for five minutes.
REFUSED = "ap-staging"
# Longer than the portal waits for an answer; for ever would use up the emulator's threads.
HANG_SECONDS = 12.0
# A fault is there for this part of its turn; for the rest of it DCS is well.
ILL = 0.6


@dataclass(frozen=True)
class Trouble:
    """What DCS does, in words, and as the emulator's faults."""

    name: str
    faults: tuple[dict[str, Any], ...]


def troubles(fleet: Fleet) -> tuple[Trouble, ...]:
    project_id = fleet.project(REFUSED).project_id
    return (
        Trouble("throttles (429)", ({"fault": "throttle", "retry_after": 2},)),
        Trouble("hangs", ({"fault": "delay", "seconds": HANG_SECONDS},)),
        Trouble("fails (500)", ({"fault": "fail_with", "status": 500},)),
        Trouble("refuses one project's key (401)", (_refusal(project_id),)),
        Trouble("cuts its answers", ({"fault": "cut_body"},)),
        Trouble("is slow", ({"fault": "delay", "seconds": 1.5}, {"fault": "drip", "size": 20_000})),
        Trouble("is unavailable (503)", ({"fault": "fail_with", "status": 503},)),
        Trouble("has deleted an instance", (_deletion(DELETED),)),
        Trouble("answers HTML", ({"fault": "answer_html"},)),
        Trouble("refuses permission (403)", ({"fault": "fail_with", "status": 403},)),
    )


def _refusal(project_id: str) -> dict[str, Any]:
    return {"fault": "fail_with", "status": 401, "path_contains": f"/{project_id}/"}


def _deletion(instance_id: str) -> dict[str, Any]:
    return {"fault": "fail_with", "status": 404, "path_contains": f"/instances/{instance_id}"}
