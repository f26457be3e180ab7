"""When DCS must not be asked: holds after a 401, throttling, remembered failures, the circuit.

A refused key is held for five minutes, since the cloud locks a key after five refusals in a row; a throttled
list waits for its Retry-After; any other failure is remembered for a few seconds, so that waiting viewers do
not repeat it. When calls to one endpoint fail in a row over several instances, its circuit opens: nothing is
asked for ten seconds, then one trial is made. All processes and servers share this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from ...dcs.errors import DcsError
from ..problems import Problem, Progress
from ..projects import Project
from . import generations, leases, metrics, store
from .generations import Cached, Generation, Pointer
from .subjects import Subject

HOLD_SECONDS = 300
FAILURE_SECONDS = 4
LONGEST_RETRY_AFTER = 300
# An instance without a standby gets none in a moment.
UNSUPPORTED_SECONDS = 3600
INSIST_SECONDS = 10
CIRCUIT_FAILURES = 5
CIRCUIT_INSTANCES = 2
CIRCUIT_SECONDS = 10
# Longer than a note holds calls back, so that an old listing can say why it is old.
REMEMBERED_SECONDS = 3600
# By so much the clocks of servers may differ; what is from later is of a clock that was put back.
CLOCKS_DIFFER = timedelta(seconds=150)


def _holds(problem: Problem | None, now: datetime) -> bool:
    """Tell whether calls are still held back because of a failure."""
    if problem is None or problem.retry_at is None or problem.asked_at is None:
        return False
    return problem.asked_at - CLOCKS_DIFFER <= now < problem.retry_at


@dataclass(frozen=True)
class Circuit:
    """The failures in a row of one endpoint, by instance, and why it is left alone once they are too many."""

    failures: tuple[str, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True)
class CacheSnapshot:
    """What is known of a list at one moment: notes of earlier calls, a walk under way, and its records."""

    subject: Subject
    pointer: Pointer
    hold: Problem | None
    failure: Problem | None
    circuit: Circuit | None
    progress: Progress | None
    own: Cached | None

    @property
    def pause(self) -> Problem | None:
        """Why the circuit of its endpoint was opened, where it was; it may be time for a trial."""
        return self.circuit.problem if self.circuit else None

    @property
    def generation(self) -> Generation | None:
        """The one that all processes can see."""
        return self.pointer.generation

    @cached_property
    def cached(self) -> Cached | None:
        """The current generation with its records, which are read from the database where not in memory."""
        return generations.current(self.subject, self.pointer, self.own)

    @property
    def read_at(self) -> datetime | None:
        known = self.generation, self.own and self.own.generation
        return max((one.read_at for one in known if one), default=None)

    def held(self, now: datetime) -> Problem | None:
        """Return the failure that still holds calls back."""
        return next((problem for problem in (self.hold, self.failure) if _holds(problem, now)), None)

    def last_problem(self, now: datetime) -> Problem | None:
        """Return the failure that the last attempt ended with, None where it succeeded."""
        problem = self.failure
        past = problem is not None and problem.retry_at is not None and problem.retry_at <= now
        return replace(problem, retry_at=None) if problem and past else problem


def snapshots(*subjects: Subject) -> list[CacheSnapshot]:
    """Return what is known of each list, by one look-up in the store."""
    # Before the store is asked: what is written meanwhile is in one of both.
    own = {one: generations.unwritten(one) for one in subjects}
    found = store.get_many({key for one in subjects for key in one.note_keys})
    return [
        CacheSnapshot(
            one,
            Pointer.of(found.get(one.pointer_key, "")),
            hold=store.decoded(found.get(one.hold_key), Problem),
            failure=store.decoded(found.get(one.failure_key), Problem),
            circuit=store.decoded(found.get(one.circuit_key), Circuit),
            progress=store.decoded(found.get(one.progress_key), Progress),
            own=own[one],
        )
        for one in subjects
    ]


# Before a call ---------------------------------------------------------------


def refusal(snapshot: CacheSnapshot, now: datetime, *, trial: bool = True) -> Problem | None:
    """Return why DCS must not be asked now, None where it may be.

    Past an open circuit's time one caller of all goes through; never one that gives `trial` away, or
    wants what only adorns a page.
    """
    problem, pause = snapshot.held(now), snapshot.pause
    if problem or pause is None:
        return problem
    if _holds(pause, now) or not trial or snapshot.subject.kind == "instance":
        return pause
    # The others wait until the trial is over, or its maker gone.
    trial_key = f"trial:{snapshot.subject.circuit_key}:{pause.retry_at}"
    return pause if store.add(trial_key, seconds=CIRCUIT_SECONDS) is False else None


def is_trial_left(snapshot: CacheSnapshot, now: datetime) -> bool:
    """Tell whether nobody who looks at something has wanted the trial of an open circuit: they come first."""
    until = snapshot.pause.retry_at if snapshot.pause else None
    return until is None or now >= until + timedelta(seconds=CIRCUIT_SECONDS)


def may_insist(subject: Subject, what: str, now: datetime, *, read_at: datetime | None) -> bool:
    """Tell whether a list may be read again though it is fresh, for a refresh by hand or a backup it lacks.

    It may once in some seconds for all viewers; who comes while it is being read wants the same reading.
    """
    key = f"insisted:{subject.key}:{what}"
    last = store.note(float, key)
    if last is not None and abs(now.timestamp() - last) < INSIST_SECONDS:
        return read_at is None or read_at.timestamp() < last
    store.write(key, now.timestamp(), seconds=INSIST_SECONDS)
    return True


def key_hold(project: Project, now: datetime) -> Problem | None:
    """Return the refusal for which the cloud's key of a project is held, None where it is not."""
    hold = store.note(Problem, Subject("instances", project).hold_key)
    return hold if _holds(hold, now) else None


# After a call ----------------------------------------------------------------


def failed(subject: Subject, error: DcsError, *, now: datetime) -> Problem:
    """Note a failure and return it with the time when asking makes sense again."""
    problem, after = Problem.of(error, now), error.retry_after
    if error.http_status == 401:
        _accepted.discard(subject.hold_key)
    elif error.http_status is not None:
        _accepted.add(subject.hold_key)
    if _opens_circuit(subject, problem, now):
        metrics.HELD.labels(subject.project.name, "circuit_open").inc()
    if problem.kind in ("credentials_refused", "throttled"):
        metrics.HELD.labels(subject.project.name, problem.kind).inc()
    if problem.kind == "credentials_refused":
        # The hold names the key, the list's own note does not: it must not outlive a new key.
        note = replace(problem, retry_at=None)
        store.write(subject.failure_key, note, seconds=HOLD_SECONDS + REMEMBERED_SECONDS)
        problem = replace(problem, retry_at=now + timedelta(seconds=HOLD_SECONDS))
        store.write(subject.hold_key, problem, seconds=HOLD_SECONDS)
        return problem
    pause = FAILURE_SECONDS if after is None else max(1.0, min(after, LONGEST_RETRY_AFTER))
    return _noted(subject, problem, now, UNSUPPORTED_SECONDS if problem.kind == "unsupported" else pause)


def broken(subject: Subject, now: datetime) -> Problem:
    """Note that the portal itself failed, so that waiting viewers do not repeat that either."""
    return _noted(subject, Problem(kind="portal_error", asked_at=now), now, FAILURE_SECONDS)


def _noted(subject: Subject, problem: Problem, now: datetime, pause: float) -> Problem:
    problem = replace(problem, retry_at=now + timedelta(seconds=pause))
    store.write(subject.failure_key, problem, seconds=pause + REMEMBERED_SECONDS)
    return problem


def succeeded(subject: Subject) -> None:
    """Note that DCS answered, and forget a failure, also one of another list meanwhile."""
    _accepted.add(subject.hold_key)
    keys = subject.failure_key, subject.circuit_key
    if store.get_many(keys):
        store.drop(*keys)


_counting = threading.Lock()


def _opens_circuit(subject: Subject, problem: Problem, now: datetime) -> bool:
    """Count an answer, or the lack of one: any answer but 502 to 504 begins the count anew.

    Two at one moment, in two processes, may count as one.
    """
    if problem.kind not in ("unreachable", "timed_out") and problem.http_status not in (502, 503, 504):
        store.drop(subject.circuit_key)
        return False
    with _counting:
        circuit = store.note(Circuit, subject.circuit_key) or Circuit()
        failures = (*circuit.failures, subject.instance_id)[-CIRCUIT_FAILURES * 4 :]
        opens = len(failures) >= CIRCUIT_FAILURES and len(set(failures) - {""}) >= CIRCUIT_INSTANCES
        if opens:
            until = now + timedelta(seconds=CIRCUIT_SECONDS)
            circuit = replace(circuit, problem=replace(problem, kind="circuit_open", retry_at=until))
        note = replace(circuit, failures=failures)
        store.write(subject.circuit_key, note, seconds=REMEMBERED_SECONDS)
        return opens


# A key's first calls ---------------------------------------------------------

POLL_SECONDS = 0.01
# The holds' keys of those that the cloud has accepted from this process.
_accepted: set[str] = set()


@contextmanager
def turn(subject: Subject, *, patience: float) -> Iterator[None]:
    """Let one call of all processes at a time try a key that the cloud has not accepted from this one yet.

    Many lists are wanted at once when a portal starts. A refusal comes fast: longer than `patience` seconds
    nobody waits for it.
    """
    key, ends, lease = subject.hold_key, time.monotonic() + patience, None
    while key not in _accepted and (lease := leases.acquire(f"turn:{key}")) is None:
        if time.monotonic() >= ends:
            break
        store.release_connection()
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        if lease:
            lease.release()
