"""When DCS must not be asked: holds after a 401, throttling, remembered failures, the circuit.

A refused key is held for five minutes, since the cloud locks a key after five
refusals in a row; a throttled list waits for its Retry-After; any other failure
is remembered for a few seconds, so that waiting viewers do not repeat it one
after another. When calls to one endpoint fail in a row over several instances,
nothing is asked for ten seconds, then one trial is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ...dcs.errors import DcsError
from ..problems import Problem
from ..projects import Project
from . import circuit, metrics, remembered, shared_cache, turns
from .circuit import Circuit

HOLD_SECONDS = 300
FAILURE_SECONDS = 4
LONGEST_RETRY_AFTER = 300
INSIST_SECONDS = 10
# Kept longer than it holds calls back, so that an old listing can say why it is old.
REMEMBERED_SECONDS = 3600


# One that would end later, clocks of servers being what they are, is of a clock that was put back.
LONGEST_HOLD = timedelta(seconds=max(HOLD_SECONDS, LONGEST_RETRY_AFTER) + 150)


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
class Notes:
    """What earlier calls left behind that concern this one."""

    hold: Problem | None = None
    failure: Problem | None = None
    circuit: Circuit | None = None


def notes_of(call: Call, found: Mapping[str, shared_cache.Value]) -> Notes:
    """Return the notes out of what the shared cache gave; this process's own where that is away."""
    hold, failure, opened = (remembered.text(key, found) for key in call.note_keys)
    return Notes(
        Problem.from_text(hold) if hold else None,
        Problem.from_text(failure) if failure else None,
        Circuit.from_text(opened) if opened else None,
    )


def refusal(call: Call, notes: Notes, now: datetime, *, trial: bool = True) -> Problem | None:
    """Return why DCS must not be asked now, None where it may be.

    Past an open circuit's time one caller of all goes through; never one that gives `trial` away.
    """
    problem = held(notes, now)
    if problem or notes.circuit is None or notes.circuit.open_until is None:
        return problem
    until = notes.circuit.open_until
    past = not now < until <= now + LONGEST_HOLD
    free = past and trial and circuit.takes_trial(call.circuit_key, until)
    return None if free else notes.circuit.problem


def held(notes: Notes, now: datetime) -> Problem | None:
    """Return the failure that still holds the call back."""
    for problem in (notes.hold, notes.failure):
        if problem and problem.retry_at and now < problem.retry_at <= now + LONGEST_HOLD:
            return problem
    return None


def may_insist(call: Call, what: str, now: datetime, *, read_at: datetime | None) -> bool:
    """Tell whether a list may be read again though it is fresh, for a refresh by hand or a backup it lacks.

    It may once in some seconds for each of these, of all viewers. Who comes while it is being read for
    another one, so that the listing at hand is older than that one's wish, wants the same reading.
    """
    key = f"insisted:{call.key}:{what}"
    last = remembered.read(key) or ""
    if re.fullmatch(r"[0-9.]{1,20}", last) and abs(now.timestamp() - float(last)) < INSIST_SECONDS:
        return read_at is None or read_at.timestamp() < float(last)
    remembered.write(key, str(now.timestamp()), seconds=INSIST_SECONDS)
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
        turns.answered(call.hold_key, accepted=error.http_status != 401)
    if circuit.count(call.circuit_key, call.instance_id, problem, now):
        metrics.hold(call.project.name, "circuit_open")
    if problem.kind in ("credentials_refused", "throttled"):
        metrics.hold(call.project.name, problem.kind)
    if problem.kind == "credentials_refused":
        # The hold names the key, the list's own note does not: it must not outlive a new key.
        note = replace(problem, retry_at=None)
        remembered.write(call.failure_key, note.to_text(), seconds=HOLD_SECONDS + REMEMBERED_SECONDS)
        problem = replace(problem, retry_at=now + timedelta(seconds=HOLD_SECONDS))
        remembered.write(call.hold_key, problem.to_text(), seconds=HOLD_SECONDS)
        return problem
    pause = _pause(error)
    problem = replace(problem, retry_at=now + timedelta(seconds=pause))
    remembered.write(call.failure_key, problem.to_text(), seconds=pause + REMEMBERED_SECONDS)
    return problem


def broken(call: Call) -> Problem:
    """Note that the portal itself failed, so that waiting viewers do not repeat that either."""
    now = datetime.now(UTC)
    problem = Problem(kind="portal_error", asked_at=now, retry_at=now + timedelta(seconds=FAILURE_SECONDS))
    remembered.write(call.failure_key, problem.to_text(), seconds=FAILURE_SECONDS + REMEMBERED_SECONDS)
    return problem


def _pause(error: DcsError) -> float:
    """Return the seconds for which a list is left alone: what DCS asks for, else a few."""
    if error.retry_after is None:
        return FAILURE_SECONDS
    return max(1.0, min(error.retry_after, LONGEST_RETRY_AFTER))


def succeeded(call: Call) -> datetime:
    """Note that DCS answered; return the time of that in whole milliseconds."""
    turns.answered(call.hold_key, accepted=True)
    remembered.drop(call.failure_key, call.circuit_key)
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@contextmanager
def turn(call: Call, *, patience: float) -> Iterator[None]:
    """Let one call at a time try a key that the cloud has not accepted yet."""
    with turns.turn(call.hold_key, patience=patience):
        yield


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    remembered.forget()
    turns.forget()
    shared_cache.try_again()
