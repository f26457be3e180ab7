"""A Redis that a test can freeze, end and start again, as operators see happen."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from ..servers.served import free_port


class RedisServer:
    def __init__(self, files: Path) -> None:
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def start(self) -> None:
        """Start it empty, and wait until it answers."""
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no".split()
        command = ["redis-server", *options, "--save", ""]
        self._process = subprocess.Popen(command, cwd=self._files, stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < ends, "redis-server does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self.thaw()
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)

    def commands(self) -> int:
        """How many commands it has carried out, this question not counted."""
        stats: dict[str, dict[str, int]] = self.client.info("commandstats")
        ours = ("cmdstat_info", "cmdstat_ping", "cmdstat_client", "cmdstat_hello")
        return sum(stat["calls"] for name, stat in stats.items() if not name.startswith(ours))
