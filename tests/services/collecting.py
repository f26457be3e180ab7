"""Lets the collector work through time that is driven: nobody waits for a minute to pass."""

from collections import Counter
from datetime import timedelta

from backups.services.collector.key import Key
from backups.services.listings import utc_now


class Clock:
    """The time, and what has been let pass of it."""

    def __init__(self):
        self.passed = timedelta()

    def __call__(self):
        return utc_now() + self.passed

    def let_pass(self, seconds):
        self.passed += timedelta(seconds=seconds)


class Collector:
    """The collector of one project, which does one thing at a time."""

    def __init__(self, project, clock=None):
        self.project, self.clock = project, clock or Clock()
        self.key = Key([project], self.clock())

    def collect(self, seconds):
        """Read what is due within that time."""
        ends = self.clock() + timedelta(seconds=seconds)
        while (now := self.clock()) < ends:
            if work := self.key.take(now):
                self.key.read(work, self.clock)
            else:
                self.clock.let_pass(0.5)

    def begin(self, threads):
        """Begin to read one thing beside what is being read; whether there was any."""
        if work := self.key.take(self.clock()):
            threads.submit(self.key.read, work, self.clock)
        return work is not None


def lists_read(emulator):
    """How often each instance's list of backups was begun to be read, by the id of its instance."""
    return Counter(
        call.path.split("/")[-2]
        for call in emulator.calls
        if call.path.endswith("/backups") and "offset=0" in call.query.split("&")
    )


def instances_asked_for(emulator):
    """How often ShowInstance was called, by the id of its instance."""
    paths = (call.path.split("/instances/") for call in emulator.calls)
    return Counter(path[1] for path in paths if len(path) == 2 and "/" not in path[1])
