"""One reader at a time: however many viewers want a list, one walk of it is under way in this process."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import Any

from django.conf import settings

from ..dcs.errors import DcsError
from . import generations, upstream
from .generations import Generation, Kept
from .problems import Problem
from .projects import client_for
from .subjects import Subject

log = logging.getLogger(__name__)

INSTANCE_PATIENCE = 0.5

Known = tuple[Generation, Kept[Any]]


def known_of(subject: Subject) -> Known | None:
    # A second look, since a newer generation may have taken the pages of the first away.
    for _ in range(2):
        generation = generations.current(subject.key)
        if generation is None:
            return None
        kept = generations.kept_of(generation, subject.decoded)
        if kept is not None:
            return generation, kept
    return None


class Reading:
    """One walk under way; viewers of the same list wait for the same one."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()
        self.result: Known | None = None
        self.problem: Problem | None = None

    def patience(self, subject: Subject) -> float:
        """Return the seconds that a viewer waits for it."""
        if subject.kind != "instance":
            return float(settings.DCS_READ_BUDGET)
        return max(0.0, self.began + INSTANCE_PATIENCE - time.monotonic())


class Readings:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Reading] = {}

    def begin(self, subject: Subject, *, now: datetime, seen: Known | None = None) -> Reading:
        """Join the walk that is under way, or start one behind this view, which has `seen` a generation."""
        with self._lock:
            reading = self._under_way.get(subject.key)
            if reading is None:
                reading = Reading()
                threading.Thread(
                    target=self._run,
                    args=(subject, reading, seen, now),
                    name=f"read-{subject.kind}",
                    daemon=True,
                ).start()
                # Only now, so that nobody waits for a thread that could not start.
                self._under_way[subject.key] = reading
            return reading

    def wait_for_all(self, seconds: float) -> bool:
        """Wait until no walk is under way; tell whether that came true in time."""
        with self._lock:
            under_way = list(self._under_way.values())
        ends = time.monotonic() + seconds
        return all(reading.done.wait(max(0.0, ends - time.monotonic())) for reading in under_way)

    def _run(self, subject: Subject, reading: Reading, seen: Known | None, now: datetime) -> None:
        try:
            with upstream.turn(subject.call, patience=min(0.5, settings.DCS_READ_BUDGET * 0.05)):
                if not self._was_just_done(subject, reading, seen, now):
                    self._read(subject, reading)
        finally:
            # Whatever happened, nobody waits for a reader that is gone.
            with self._lock:
                del self._under_way[subject.key]
            reading.done.set()

    def _was_just_done(self, subject: Subject, reading: Reading, seen: Known | None, now: datetime) -> bool:
        """Take over what another reader found after this view had looked, so that DCS is not asked twice."""
        known = known_of(subject)
        if known and (seen is None or known[0].id != seen[0].id):
            reading.result = known
        else:
            reading.problem = upstream.held(subject.call, now)
        return bool(reading.result or reading.problem)

    def _read(self, subject: Subject, reading: Reading) -> None:
        began = time.monotonic()
        try:
            result = subject.read(client_for(subject.project), on_page=lambda page: None)
        except DcsError as error:
            reading.problem = upstream.failed(subject.call, error)
            log.warning("reading %s of project %s failed: %s", subject.kind, subject.project.name, error)
            return
        read_at = upstream.succeeded(subject.call)
        running = any(getattr(record, "is_running", False) for record in result.records)
        reading.result = generations.keep(subject.key, result, read_at=read_at, running=running)
        log.info(
            "read %s of project %s: %d records in %d calls, %.0f ms",
            subject.kind,
            subject.project.name,
            len(result.records),
            len(result.pages),
            (time.monotonic() - began) * 1000,
        )


readings = Readings()


def wait_for_readers(seconds: float = 10.0) -> bool:
    """Wait until no walk is under way in this process; for orderly stops and for tests."""
    return readings.wait_for_all(seconds)
