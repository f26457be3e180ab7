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
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ..dcs.errors import DcsError
from . import shared_cache
from .problems import Problem
from .projects import Project

HOLD_SECONDS = 300
FAILURE_SECONDS = 4
LONGEST_RETRY_AFTER = 300
CIRCUIT_FAILURES = 5
CIRCUIT_INSTANCES = 2
CIRCUIT_SECONDS = 10
# Kept longer than it holds calls back, so that an old listing can say why it is old.
REMEMBERED_SECONDS = 3600


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


def refusal(call: Call, now: datetime, *, trial: bool = True) -> Problem | None:
    """Return why DCS must not be asked now, None where it may be.

    Past an open circuit's time one caller goes through; never one that gives `trial` away.
    """
    return held(call, now) or _circuits.refusal(call.project.endpoint, now, trial=trial)


def held(call: Call, now: datetime) -> Problem | None:
    """Return the failure that still holds this call back."""
    for problem in _notes.read(call.hold_key, call.failure_key):
        if problem.retry_at and problem.retry_at > now:
            return problem
    return None


def last_problem(call: Call, now: datetime) -> Problem | None:
    """Return the failure that the last attempt ended with, None where it succeeded."""
    for problem in _notes.read(call.failure_key):
        past = problem.retry_at is not None and problem.retry_at <= now
        return replace(problem, retry_at=None) if past else problem
    return None


def failed(call: Call, error: DcsError) -> Problem:
    """Note a failure and return it with the time when asking makes sense again."""
    now = datetime.now(UTC)
    problem = Problem.of(error, now)
    if error.http_status is not None:
        _turns.answered(call.hold_key, accepted=error.http_status != 401)
    _circuits.count(call, problem, now)
    if problem.kind == "credentials_refused":
        # The hold names the key, the list's own note does not: it must not outlive a new key.
        _notes.write(call.failure_key, replace(problem, retry_at=None), HOLD_SECONDS + REMEMBERED_SECONDS)
        problem = replace(problem, retry_at=now + timedelta(seconds=HOLD_SECONDS))
        _notes.write(call.hold_key, problem, HOLD_SECONDS)
        return problem
    pause = _pause(error)
    problem = replace(problem, retry_at=now + timedelta(seconds=pause))
    _notes.write(call.failure_key, problem, pause + REMEMBERED_SECONDS)
    return problem


def _pause(error: DcsError) -> float:
    """Return the seconds for which a list is left alone: what DCS asks for, else a few."""
    if error.retry_after is None:
        return FAILURE_SECONDS
    return max(1.0, min(error.retry_after, LONGEST_RETRY_AFTER))


def succeeded(call: Call) -> datetime:
    """Note that DCS answered; return the time of that in whole milliseconds."""
    _turns.answered(call.hold_key, accepted=True)
    _notes.drop(call.failure_key)
    _circuits.close(call.project.endpoint)
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@contextmanager
def turn(call: Call, *, patience: float) -> Iterator[None]:
    """Let one call at a time try a key that the cloud has not accepted yet; it locks after five refusals.

    A turn that takes longer than `patience` seconds is not waited for: a refusal comes fast.
    """
    with _turns.of(call.hold_key, patience):
        yield


class _Turns:
    """Which keys the cloud has accepted, and who is trying the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: set[str] = set()
        self._trying: dict[str, threading.Lock] = {}

    @contextmanager
    def of(self, key: str, patience: float) -> Iterator[None]:
        with self._lock:
            trying = None if key in self._accepted else self._trying.setdefault(key, threading.Lock())
        mine = trying is not None and trying.acquire(timeout=patience)
        try:
            yield
        finally:
            if trying and mine:
                trying.release()

    def answered(self, key: str, *, accepted: bool) -> None:
        with self._lock:
            if accepted:
                self._accepted.add(key)
            else:
                self._accepted.discard(key)

    def clear(self) -> None:
        with self._lock:
            self._accepted.clear()
            self._trying.clear()


class _Notes:
    """Failures by key: in the shared cache, and in this process for when that is away."""

    MOST = 1000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: OrderedDict[str, Problem] = OrderedDict()

    def read(self, *keys: str) -> list[Problem]:
        shared = shared_cache.get_many(keys)
        if shared_cache.is_away():
            with self._lock:
                return [self._own[key] for key in keys if key in self._own]
        found = (Problem.from_text(str(shared[key])) for key in keys if key in shared)
        return [problem for problem in found if problem]

    def write(self, key: str, problem: Problem, seconds: float) -> None:
        with self._lock:
            self._own[key] = problem
            self._own.move_to_end(key)
            while len(self._own) > self.MOST:
                self._own.popitem(last=False)
        shared_cache.set_one(key, problem.to_text(), seconds=seconds)

    def drop(self, key: str) -> None:
        with self._lock:
            self._own.pop(key, None)
        shared_cache.delete_many([key])

    def clear(self) -> None:
        with self._lock:
            self._own.clear()


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

    def refusal(self, endpoint: str, now: datetime, *, trial: bool) -> Problem | None:
        """Refuse while open; the first to ask after that goes through as the trial."""
        with self._lock:
            circuit = self._of_endpoint.get(endpoint)
            if circuit is None or circuit.open_until is None:
                return None
            if now < circuit.open_until or not trial:
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
                circuit.problem = replace(problem, kind="circuit_open", retry_at=circuit.open_until)

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
_notes = _Notes()
_turns = _Turns()


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    _circuits.clear()
    _notes.clear()
    _turns.clear()
    shared_cache.try_again()
