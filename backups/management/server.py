"""The server: it holds the socket, and keeps as many workers as it was told to that answer on it.

A worker is an interpreter of its own (worker.py) that is handed the socket: a reload takes new settings and
new code. By a pair of sockets a worker says that it answers, and each side learns that the other is gone.

SIGTERM and SIGINT stop: no new connections, what is under way is finished. SIGHUP reloads: the old workers go
once the new ones answer, and stay if these cannot start. Of Django, which takes memory, it knows nothing.

python -m backups.management.server APPLICATION LISTENER WORKERS COUNTS LOG_FORMAT
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("backups.management.server")

# A worker gives what is under way 30 s (worker.py).
STOP_SECONDS = 35.0
# How long to wait before another worker is tried where one could not start.
PAUSE_SECONDS = 1.0
SIGNALS_SECONDS = 0.2
# The files in which a worker counts for /metrics are mapped into memory. Writing to a page that finds no room
# on a full disk would end the process: each has all its room, more than its series need, from the start.
PRESENT = "gauge_livesum"
COUNTS = ("counter", "histogram", PRESENT)
COUNTS_BYTES = 512 * 1024


@dataclass(eq=False)
class Worker:
    """`slot` names its counts: no other that lives has it, and the next to have it counts on from there."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    slot: int
    answers: bool = False
    outdated: bool = False
    leaving: bool = False

    def fileno(self) -> int:
        return self.channel.fileno()


class Server:
    def __init__(self, application: str, listener: socket.socket, workers: int, counts: Path) -> None:
        self._application, self._listener = application, listener
        self._wanted, self._counts = workers, counts
        self._workers: list[Worker] = []
        self._pause_ends = 0.0
        self._has_served = False

    def run(self) -> None:
        """Serve until a signal says stop. Raises SystemExit where no worker could ever start."""
        signals: set[int] = set()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: signals.add(number))
        while not signals & {signal.SIGTERM, signal.SIGINT}:
            if signal.SIGHUP in signals:
                signals.remove(signal.SIGHUP)
                for worker in self._workers:
                    worker.outdated = True
            while len(self._current()) < self._wanted and time.monotonic() >= self._pause_ends:
                self._start()
            self._wait()
        self._stop()

    def _current(self) -> list[Worker]:
        return [worker for worker in self._workers if not worker.outdated]

    def _start(self) -> None:
        slot = min({*range(len(self._workers) + 1)} - {worker.slot for worker in self._workers})
        ours, theirs = socket.socketpair()
        given = (self._listener.fileno(), theirs.fileno())
        command = [sys.executable, "-m", "backups.management.worker", self._application]
        process = subprocess.Popen(
            [*command, *map(str, (*given, slot))],
            env=os.environ | self._place_for_counts(slot),
            pass_fds=given,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._workers.append(Worker(process, ours, slot))

    def _place_for_counts(self, slot: int) -> dict[str, str]:
        try:
            for kind in COUNTS:
                with (self._counts / f"{kind}_{slot}.db").open("ab") as file:
                    os.posix_fallocate(file.fileno(), 0, COUNTS_BYTES)
        except OSError as error:
            logger.warning("/metrics tells of one process only, since %s: %s", self._counts, error.strerror)
            return {}
        return {"PROMETHEUS_MULTIPROC_DIR": str(self._counts)}

    def _wait(self) -> None:
        """Wait until a worker answers or ends, and for signals, which do not interrupt that, not for long."""
        for worker in select.select(self._workers, [], [], SIGNALS_SECONDS)[0]:
            if not worker.channel.recv(1):
                self._replace(worker)
                continue
            worker.answers = self._has_served = True
            if all(each.answers for each in self._current()):
                self._dismiss(each for each in self._workers if each.outdated)

    def _replace(self, worker: Worker) -> None:
        """Clear up after a worker that has ended, and see to it that those remain that can answer."""
        code = worker.process.wait()
        worker.channel.close()
        self._workers.remove(worker)
        # What it was doing is over; what it counted stays.
        (self._counts / f"{PRESENT}_{worker.slot}.db").unlink(missing_ok=True)
        if worker.outdated:
            return
        logger.error("The worker %d has ended by itself, with code %d.", worker.process.pid, code)
        if worker.answers:
            return
        self._pause_ends = time.monotonic() + PAUSE_SECONDS
        if before := [each for each in self._workers if each.outdated and not each.leaving]:
            logger.error("The workers of before the reload go on.")
            self._dismiss(self._current())
            for each in before:
                each.outdated = False
        elif not self._has_served:
            self._stop()
            raise SystemExit(1)

    def _dismiss(self, workers: Iterable[Worker]) -> None:
        for worker in workers:
            worker.outdated = worker.leaving = True
            worker.process.terminate()

    def _stop(self) -> None:
        self._listener.close()
        self._dismiss(self._workers)
        ends = time.monotonic() + STOP_SECONDS
        while self._workers and time.monotonic() < ends:
            self._wait()
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()


# As dcsportal.logging writes lines.
LINES = {
    "json": '{"time": "%(asctime)s", "level": "error", "logger": "%(name)s", "message": "%(message)s"}',
    "text": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
}


def main(application: str, listener: str, workers: str, counts: str, log_format: str) -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stdout if log_format == "json" else sys.stderr,
        format=LINES[log_format],
        datefmt="%Y-%m-%dT%H:%M:%S+00:00",
    )
    Server(application, socket.socket(fileno=int(listener)), int(workers), Path(counts)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
