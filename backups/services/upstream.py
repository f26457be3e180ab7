"""When DCS must not be asked: holds after a 401, throttling, remembered failures, the circuit.

A refused key is held for five minutes, since the cloud locks a key after five
refusals in a row; a throttled list waits for its Retry-After; any other failure
is remembered for a few seconds, so that waiting viewers do not repeat it one
after another. When calls to one endpoint fail in a row over several instances,
nothing is asked for ten seconds, then one trial is made.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ..dcs.errors import DcsError
from . import locks, shared_cache
from .problems import Problem
from .projects import Project

HOLD_SECONDS = 300
FAILURE_SECONDS = 4
LONGEST_RETRY_AFTER = 300
INSIST_SECONDS = 10
CIRCUIT_FAILURES = 5
CIRCUIT_INSTANCES = 2
CIRCUIT_SECONDS = 10
# Kept longer than it holds calls back, so that an old listing can say why it is old.
REMEMBERED_SECONDS = 3600


# Holds end by themselves; one that would end later than any can is of a clock that was put back.
LONGEST_HOLD = timedelta(seconds=max(HOLD_SECONDS, LONGEST_RETRY_AFTER) + 5)
TURN_POLL_SECONDS = 0.01


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
        return "hold:" + _hashed(project.endpoint, project.project_id, *project.credentials.secrets)

    @property
    def failure_key(self) -> str:
        return f"failure:{self.key}"

    @property
    def circuit_key(self) -> str:
        return "circuit:" + _hashed(self.project.endpoint)

    @property
    def note_keys(self) -> tuple[str, str, str]:
        """What to look up in the shared cache for `notes_of`."""
        return self.hold_key, self.failure_key, self.circuit_key


@lru_cache(maxsize=256)
def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Circuit:
    """The failures in a row of one endpoint, by instance, and whether they opened the circuit."""

    failures: tuple[str, ...] = ()
    open_until: datetime | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Notes:
    """What earlier calls left behind that concern this one."""

    hold: Problem | None = None
    failure: Problem | None = None
    circuit: Circuit | None = None


def notes_of(call: Call, found: Mapping[str, shared_cache.Value]) -> Notes:
    """Return the notes out of what the shared cache gave; this process's own where that is away."""
    hold, failure, circuit = (_own.text(key, found) for key in call.note_keys)
    return Notes(
        Problem.from_text(hold) if hold else None,
        Problem.from_text(failure) if failure else None,
        _circuit_from(circuit) if circuit else None,
    )


def read_notes(call: Call) -> Notes:
    return notes_of(call, shared_cache.get_many(call.note_keys))


def refusal(call: Call, notes: Notes, now: datetime, *, trial: bool = True) -> Problem | None:
    """Return why DCS must not be asked now, None where it may be.

    Past an open circuit's time one caller of all goes through; never one that gives `trial` away.
    """
    problem = held(notes, now)
    if problem or notes.circuit is None or notes.circuit.open_until is None:
        return problem
    opened = notes.circuit
    if now < notes.circuit.open_until or not trial or not _takes_trial(call, notes.circuit.open_until):
        return opened.problem
    return None


def held(notes: Notes, now: datetime) -> Problem | None:
    """Return the failure that still holds the call back."""
    for problem in (notes.hold, notes.failure):
        if problem and problem.retry_at and now < problem.retry_at <= now + LONGEST_HOLD:
            return problem
    return None


def may_insist(call: Call, what: str, now: datetime) -> bool:
    """Tell whether a list may be read again though it is fresh, for a refresh by hand or a backup it lacks.

    It may once in some seconds for each of these, of all viewers.
    """
    key = f"insisted:{call.key}:{what}"
    last = _own.text(key, shared_cache.get_many([key])) or ""
    if re.fullmatch(r"[0-9.]{1,20}", last) and abs(now.timestamp() - float(last)) < INSIST_SECONDS:
        return False
    _own.write(key, str(now.timestamp()), INSIST_SECONDS)
    return True


def last_problem(notes: Notes, now: datetime) -> Problem | None:
    """Return the failure that the last attempt ended with, None where it succeeded."""
    problem = notes.failure
    past = problem is not None and problem.retry_at is not None and problem.retry_at <= now
    return replace(problem, retry_at=None) if problem and past else problem


def failed(call: Call, error: DcsError) -> Problem:
    """Note a failure and return it with the time when asking makes sense again."""
    now = datetime.now(UTC)
    problem = Problem.of(error, now)
    if error.http_status is not None:
        _turns.answered(call.hold_key, accepted=error.http_status != 401)
    _count(call, problem, now)
    if problem.kind == "credentials_refused":
        # The hold names the key, the list's own note does not: it must not outlive a new key.
        note = replace(problem, retry_at=None)
        _own.write(call.failure_key, note.to_text(), HOLD_SECONDS + REMEMBERED_SECONDS)
        problem = replace(problem, retry_at=now + timedelta(seconds=HOLD_SECONDS))
        _own.write(call.hold_key, problem.to_text(), HOLD_SECONDS)
        return problem
    pause = _pause(error)
    problem = replace(problem, retry_at=now + timedelta(seconds=pause))
    _own.write(call.failure_key, problem.to_text(), pause + REMEMBERED_SECONDS)
    return problem


def _pause(error: DcsError) -> float:
    """Return the seconds for which a list is left alone: what DCS asks for, else a few."""
    if error.retry_after is None:
        return FAILURE_SECONDS
    return max(1.0, min(error.retry_after, LONGEST_RETRY_AFTER))


def succeeded(call: Call) -> datetime:
    """Note that DCS answered; return the time of that in whole milliseconds."""
    _turns.answered(call.hold_key, accepted=True)
    _own.drop(call.failure_key, call.circuit_key)
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


# The circuit -----------------------------------------------------------------


def _count(call: Call, problem: Problem, now: datetime) -> None:
    """Count a failure in a row. Two at the very same moment, in two processes, may count as one."""
    if not _counts(problem):
        _own.drop(call.circuit_key)
        return
    with _own.lock:
        key = call.circuit_key
        text = _own.text(key, shared_cache.get_many([key]))
        before = (_circuit_from(text) if text else None) or Circuit()
        failures = (*before.failures, call.instance_id)[-CIRCUIT_FAILURES * 4 :]
        circuit = replace(before, failures=failures)
        if len(failures) >= CIRCUIT_FAILURES and _distinct(failures) >= CIRCUIT_INSTANCES:
            until = now + timedelta(seconds=CIRCUIT_SECONDS)
            circuit = Circuit(failures, until, replace(problem, kind="circuit_open", retry_at=until))
        _own.write(key, _circuit_text(circuit), REMEMBERED_SECONDS)


def _counts(problem: Problem) -> bool:
    """Connection failures, timeouts and 502 to 504 count; a 500 never does."""
    return problem.kind in ("unreachable", "timed_out") or problem.http_status in (502, 503, 504)


def _distinct(instances: Iterable[str]) -> int:
    return len(set(instances) - {""})


def _takes_trial(call: Call, open_until: datetime) -> bool:
    """Take the one trial of an open circuit; the others wait until it is over, or its maker gone."""
    name = f"trial:{call.circuit_key}:{open_until.timestamp()}"
    first = shared_cache.add(name, "", seconds=CIRCUIT_SECONDS)
    return _own.add(name, CIRCUIT_SECONDS) if first is None else first


def _circuit_text(circuit: Circuit) -> str:
    problem = circuit.problem.to_text() if circuit.problem else None
    until = circuit.open_until.isoformat() if circuit.open_until else None
    return json.dumps([circuit.failures, until, problem])


def _circuit_from(text: str) -> Circuit | None:
    """Return what _circuit_text wrote, None for what another version of the portal did."""
    try:
        failures, until, problem = json.loads(text)
        return Circuit(
            tuple(failures),
            datetime.fromisoformat(until) if until else None,
            Problem.from_text(problem) if problem else None,
        )
    except (ValueError, TypeError):
        return None


# A key's first call -------------------------------------------------------------


@contextmanager
def turn(call: Call, *, patience: float) -> Iterator[None]:
    """Let one call at a time try a key that the cloud has not accepted yet; it locks after five refusals.

    A turn that takes longer than `patience` seconds is not waited for: a refusal comes fast.
    """
    with _turns.of(call.hold_key, patience):
        yield


class _Turns:
    """Which keys the cloud has accepted from this process; the others are tried by one of all processes."""

    def __init__(self) -> None:
        self._accepted: set[str] = set()

    @contextmanager
    def of(self, key: str, patience: float) -> Iterator[None]:
        mine = None if key in self._accepted else self._awaited(key, patience)
        try:
            yield
        finally:
            if mine:
                mine.release()

    def _awaited(self, key: str, patience: float) -> locks.Held | None:
        ends = time.monotonic() + patience
        while (mine := locks.take(f"turn:{key}")) is None and time.monotonic() < ends:
            time.sleep(TURN_POLL_SECONDS)
            if key in self._accepted:
                return None
        return mine

    def answered(self, key: str, *, accepted: bool) -> None:
        if accepted:
            self._accepted.add(key)
        else:
            self._accepted.discard(key)

    def clear(self) -> None:
        self._accepted.clear()


# What is remembered -------------------------------------------------------------


class _OwnNotes:
    """Notes by key: in the shared cache, and in this process for when that is away."""

    MOST = 1000

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._notes: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def text(self, key: str, shared: Mapping[str, shared_cache.Value]) -> str | None:
        if not shared_cache.is_away():
            return str(shared[key]) if key in shared else None
        with self.lock:
            text, ends = self._notes.get(key, ("", 0.0))
        return text if time.monotonic() < ends else None

    def write(self, key: str, text: str, seconds: float) -> None:
        with self.lock:
            self._notes[key] = text, time.monotonic() + seconds
            self._notes.move_to_end(key)
            while len(self._notes) > self.MOST:
                self._notes.popitem(last=False)
        shared_cache.set_one(key, text, seconds=seconds)

    def add(self, key: str, seconds: float) -> bool:
        with self.lock:
            if time.monotonic() < self._notes.get(key, ("", 0.0))[1]:
                return False
            self._notes[key] = "", time.monotonic() + seconds
            return True

    def drop(self, *keys: str) -> None:
        with self.lock:
            for key in keys:
                self._notes.pop(key, None)
        shared_cache.delete_many(keys)

    def clear(self) -> None:
        with self.lock:
            self._notes.clear()


_own = _OwnNotes()
_turns = _Turns()


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    _own.clear()
    _turns.clear()
    shared_cache.try_again()
