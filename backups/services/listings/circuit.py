"""The circuit of an endpoint: when calls fail in a row over several instances, nothing is asked for a while.

Connection failures, timeouts and 502 to 504 count; any other answer of DCS begins
the count anew. All processes and servers count together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..problems import Problem
from . import remembered

FAILURES = 5
INSTANCES = 2
OPEN_SECONDS = 10
REMEMBERED_SECONDS = 3600


@dataclass(frozen=True)
class Circuit:
    """The failures in a row of one endpoint, by instance, and whether they opened the circuit."""

    failures: tuple[str, ...] = ()
    open_until: datetime | None = None
    problem: Problem | None = None

    @classmethod
    def from_text(cls, text: str) -> Circuit | None:
        """Return what to_text wrote, None for what another version of the portal did."""
        try:
            failures, until, problem = json.loads(text)
            return cls(
                tuple(failures),
                datetime.fromisoformat(until) if until else None,
                Problem.from_text(problem) if problem else None,
            )
        except (ValueError, TypeError):
            return None

    def to_text(self) -> str:
        problem = self.problem.to_text() if self.problem else None
        return json.dumps([self.failures, self.open_until and self.open_until.isoformat(), problem])


def count(key: str, instance_id: str, problem: Problem, now: datetime) -> bool:
    """Count an answer, or the lack of one. Two at one moment, in two processes, may count as one.

    Return whether this one opened the circuit, or keeps it open.
    """
    if not _counts(problem):
        remembered.drop(key)
        return False
    with remembered.lock:
        text = remembered.read(key)
        before = (Circuit.from_text(text) if text else None) or Circuit()
        failures = (*before.failures, instance_id)[-FAILURES * 4 :]
        circuit = replace(before, failures=failures)
        opens = len(failures) >= FAILURES and _distinct(failures) >= INSTANCES
        if opens:
            until = now + timedelta(seconds=OPEN_SECONDS)
            circuit = Circuit(failures, until, replace(problem, kind="circuit_open", retry_at=until))
        remembered.write(key, circuit.to_text(), seconds=REMEMBERED_SECONDS)
        return opens


def takes_trial(key: str, open_until: datetime) -> bool:
    """Take the one trial past its time; the others wait until that is over, or its maker gone."""
    return remembered.add(f"trial:{key}:{open_until.timestamp()}", seconds=OPEN_SECONDS)


def _counts(problem: Problem) -> bool:
    return problem.kind in ("unreachable", "timed_out") or problem.http_status in (502, 503, 504)


def _distinct(instances: Iterable[str]) -> int:
    return len(set(instances) - {""})
