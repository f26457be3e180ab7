"""When DCS must not be asked: holds after a 401, throttling, remembered failures, the circuit.

A refused key is held for five minutes, since the cloud locks a key after five
refusals in a row; a throttled list waits for its Retry-After; any other failure
is remembered for a few seconds, so that waiting viewers do not repeat it one
after another. When calls to one endpoint fail in a row over several instances,
nothing is asked for ten seconds, then one trial is made.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ..dcs.errors import DcsError, DcsThrottled
from . import shared_cache
from .problems import Problem
from .projects import Project

HOLD_SECONDS = 300
FAILURE_SECONDS = 4
LONGEST_RETRY_AFTER = 300
CIRCUIT_FAILURES = 5
CIRCUIT_INSTANCES = 2
CIRCUIT_SECONDS = 10


@dataclass(frozen=True)
class Call:
    """What is about to be asked: the key of the list, its project, and the instance."""

    key: str
    project: Project
    instance_id: str

    @property
    def hold_key(self) -> str:
        """Names endpoint, project and access key, so that a new key is not held."""
        project = self.project
        parts = (project.endpoint, project.project_id, *project.credentials.secrets)
        return "hold:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    @property
    def failure_key(self) -> str:
        return f"failure:{self.key}"


def refusal(call: Call, now: datetime) -> Problem | None:
    """Return why DCS must not be asked now, None where it may be."""
    kept = shared_cache.get_many([call.hold_key, call.failure_key])
    for text in kept.values():
        problem = Problem.from_text(str(text))
        if problem.retry_at and problem.retry_at > now:
            return problem
    return _circuits.refusal(call.project.endpoint, now)


def last_problem(call: Call) -> Problem | None:
    """Return the failure that the last attempt ended with, None where it succeeded."""
    text = shared_cache.get(call.failure_key)
    return Problem.from_text(str(text)) if text else None


def failed(call: Call, error: DcsError) -> Problem:
    """Note a failure and return it with the time when asking makes sense again."""
    now = datetime.now(UTC)
    problem = Problem.of(error, now)
    if problem.kind == "credentials_refused":
        problem = replace(problem, retry_at=now + timedelta(seconds=HOLD_SECONDS))
        shared_cache.set_one(call.hold_key, problem.to_text(), seconds=HOLD_SECONDS)
        return problem
    pause = FAILURE_SECONDS
    if isinstance(error, DcsThrottled) and error.retry_after is not None:
        pause = max(1, min(round(error.retry_after), LONGEST_RETRY_AFTER))
    problem = replace(problem, retry_at=now + timedelta(seconds=pause))
    # Kept longer than it holds calls back, so that an old listing can say why it is old.
    shared_cache.set_one(call.failure_key, problem.to_text(), seconds=pause + 3600)
    _circuits.count(call, problem, now)
    return problem


def succeeded(call: Call) -> datetime:
    """Note that DCS answered; return the time of that."""
    shared_cache.delete_many([call.failure_key])
    _circuits.close(call.project.endpoint)
    return datetime.now(UTC)


# The circuit -----------------------------------------------------------------


@dataclass
class _Circuit:
    failures: list[str] = field(default_factory=list)
    open_until: datetime | None = None
    problem: Problem | None = None


class _Circuits:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_endpoint: dict[str, _Circuit] = {}

    def refusal(self, endpoint: str, now: datetime) -> Problem | None:
        """Refuse while open; the first to ask after that goes through as the trial."""
        with self._lock:
            circuit = self._of_endpoint.get(endpoint)
            if circuit is None or circuit.open_until is None:
                return None
            if now < circuit.open_until:
                return circuit.problem
            # One trial: the others wait as long again, unless it succeeds.
            circuit.open_until = now + timedelta(seconds=CIRCUIT_SECONDS)
            return None

    def count(self, call: Call, problem: Problem, now: datetime) -> None:
        if not _counts(problem):
            self.close(call.project.endpoint)
            return
        with self._lock:
            circuit = self._of_endpoint.setdefault(call.project.endpoint, _Circuit())
            circuit.failures = [*circuit.failures, call.instance_id][-CIRCUIT_FAILURES * 4 :]
            if len(circuit.failures) >= CIRCUIT_FAILURES and _distinct(circuit.failures) >= CIRCUIT_INSTANCES:
                circuit.open_until = now + timedelta(seconds=CIRCUIT_SECONDS)
                circuit.problem = replace(problem, retry_at=circuit.open_until)

    def close(self, endpoint: str) -> None:
        with self._lock:
            self._of_endpoint.pop(endpoint, None)

    def clear(self) -> None:
        with self._lock:
            self._of_endpoint.clear()


def _counts(problem: Problem) -> bool:
    """Connection failures, timeouts and 502 to 504 count; a 500 never does."""
    return problem.kind in ("unreachable", "timed_out") or problem.http_status in (502, 503, 504)


def _distinct(instances: Iterable[str]) -> int:
    return len(set(instances) - {""})


_circuits = _Circuits()


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    _circuits.clear()
