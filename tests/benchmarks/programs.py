"""A server program that a benchmark stops, kills, freezes and starts again, as operators see happen."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .processes import Failed, children_of, started, stop, wait_until


@dataclass
class Program:
    """`is_up` tells whether it answers; `ends_by` is the signal by which it ends at once, but in order."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    is_up: Callable[[Program], bool]
    port: int
    ends_by: int = signal.SIGTERM
    process: subprocess.Popen[Any] | None = field(default=None, init=False)

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process is not None:
            self.thaw()
            stop(self.process)

    def start(self) -> None:
        self.process = started(self.command, self.log, self.environment)
        try:
            wait_until(lambda: self.is_up(self), self.name, alive=self.process)
        except Failed as failure:
            self.__exit__()
            raise Failed(f"{failure}: {self.log.read_text().strip()[-2000:]}") from None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def children(self) -> list[int]:
        return children_of(self.pid)

    def end(self, number: int = 0) -> None:
        """Send it a signal that ends it, by default in order, and wait until it has."""
        assert self.process is not None
        self.process.send_signal(number or self.ends_by)
        self.process.wait()

    def freeze(self) -> None:
        """Let it, and all that it has forked, keep what is open and do nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        # The parent first: it forks no more.
        for pid in (self.pid, *self.children):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
