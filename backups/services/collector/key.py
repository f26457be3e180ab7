"""What is read with one key at one endpoint: how fast, how many at once, and when it is left alone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from prometheus_client import Counter

from ...models import CloudProject
from ..listings import Clock, Subject, count_for_viewers, read_unasked
from ..problems import Problem
from ..projects import Project, by_cloud
from .due import Work, next_work, postpone

# Fewer than the refusals in a row after which the cloud locks a key.
MOST_AT_ONCE = 4
INSTANCES_EVERY = timedelta(minutes=5)
RETRY_AFTER = timedelta(minutes=1)
# How soon the rows are asked again where nothing was due, and DCS's key where it was held.
LOOK_EVERY = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(seconds=10)
# So many seconds' work is looked up at a time.
LOOK_AHEAD = 4
RECOVERY_SECONDS = 600.0
# Calls that are under way together are throttled together, and count once.
ONE_THROTTLING_SECONDS = 2.0
LEAST_SHARE = 1 / 64

_CALLS = Counter("dcs_portal_collector_calls", "Calls to DCS that no viewer had asked for.", ["project"])


def begin_metrics(projects: Iterable[str]) -> None:
    """Let every series exist before its first event: an increase from nothing is none to Prometheus."""
    for project in projects:
        _CALLS.labels(project)


class Key:
    """The projects that are read with one key; `take` what is to be read now, then `read` it."""

    def __init__(self, projects: Iterable[Project], now: datetime) -> None:
        self._projects = tuple(projects)
        self._budget = Budget(settings.COLLECT_CALLS_PER_SECOND, now.timestamp())
        self._instances_at = dict.fromkeys(self._projects, now)
        self._waiting: deque[Work] = deque()
        self._looks_at = self._goes_on_at = now
        self._lock = threading.Lock()
        self.under_way: set[Subject] = set()

    def take(self, now: datetime) -> Work | None:
        """Return what to read now, None where it is not time yet. Raises django.db.Error."""
        with self._lock:
            most = max(1, MOST_AT_ONCE - count_for_viewers(self._projects))
            if now < self._goes_on_at or len(self.under_way) >= most:
                return None
            if not self._budget.may_call(now.timestamp()):
                return None
            work = self._instances(now) or self._next(now)
            if work:
                self._budget.spend(1, now.timestamp())
                self.under_way.add(work.subject)
            return work

    def read(self, work: Work, clock: Clock) -> None:
        """Read a list, and learn from how that went. Raises django.db.Error."""
        try:
            reading = read_unasked(work.subject, since=work.since, clock=clock)
            now, calls, problem = clock(), reading.calls, reading.problem
            with self._lock:
                self._budget.spend(max(0, calls - 1), now.timestamp())
                is_left_alone = problem is not None and self._leave_alone(problem, now)
                if calls and not problem and work.subject.kind == "instances":
                    self._instances_at[work.subject.project] = now + INSTANCES_EVERY
            _CALLS.labels(work.subject.project.name).inc(calls)
            if work.row and not calls and not is_left_alone:
                postpone(work, now + RETRY_AFTER, now)
        finally:
            with self._lock:
                self.under_way.discard(work.subject)

    def _leave_alone(self, problem: Problem, now: datetime) -> bool:
        """Pause where a problem is not of one list, but of all that are asked for with this key."""
        until = problem.retry_at or now
        if problem.kind == "throttled":
            self._budget.halve(now.timestamp())
        elif problem.kind in ("credentials_refused", "circuit_open"):
            # It may be over sooner; to look costs DCS nothing.
            until = min(until, now + LONGEST_PAUSE)
        else:
            return False
        self._goes_on_at = max(self._goes_on_at, until, now + LOOK_EVERY)
        return True

    def _instances(self, now: datetime) -> Work | None:
        for project, at in self._instances_at.items():
            if at <= now:
                self._instances_at[project] = now + RETRY_AFTER
                return Work(Subject("instances", project), now - INSTANCES_EVERY)
        return None

    def _next(self, now: datetime) -> Work | None:
        if not self._waiting and now >= self._looks_at:
            count = max(5, int(LOOK_AHEAD * self._budget.rate(now.timestamp())))
            self._waiting.extend(next_work(self._rows(), now, count, under_way=self.under_way))
            self._looks_at = now if self._waiting else now + LOOK_EVERY
        return self._waiting.popleft() if self._waiting else None

    def _rows(self) -> dict[int, Project]:
        """Return the projects by their rows, as far as they were ever read."""
        known = by_cloud(self._projects)
        rows = CloudProject.objects.filter(project_id__in=[project_id for _, project_id in known])
        return {row.pk: known[key] for row in rows if (key := (row.endpoint, row.project_id)) in known}


class Budget:
    """How often DCS may be asked: `most` calls a second; halved, it recovers in ten minutes.

    `now` is in seconds of whatever clock its caller goes by.
    """

    def __init__(self, most: float, now: float) -> None:
        self._most = self._rate = most
        self._halved_at = now - RECOVERY_SECONDS
        self._spent_until = now + 1

    def rate(self, now: float) -> float:
        """Return how many calls a second may be made now."""
        recovered = self._most * max(0.0, now - self._halved_at) / RECOVERY_SECONDS
        return min(self._most, self._rate + recovered)

    def may_call(self, now: float) -> bool:
        # A second's calls may be made at once, so that whoever looks now and then loses none.
        return self._spent_until <= now + 1

    def spend(self, calls: int, now: float) -> None:
        """Count calls that were made; more than there were are paid for later."""
        self._spent_until = max(self._spent_until, now) + calls / self.rate(now)

    def halve(self, now: float) -> None:
        """Slow down, since DCS asks for fewer calls."""
        if now - self._halved_at >= ONE_THROTTLING_SECONDS:
            self._rate = max(self.rate(now) / 2, self._most * LEAST_SHARE)
            self._halved_at, self._spent_until = now, max(self._spent_until, now + 1)


def keys_of(projects: Iterable[Project], now: datetime) -> list[Key]:
    """Return what is read together, of the projects that are configured."""
    found: dict[tuple[str, str], list[Project]] = {}
    for project in projects:
        found.setdefault((project.endpoint, project.credentials.ak), []).append(project)
    return [Key(together, now) for together in found.values()]
