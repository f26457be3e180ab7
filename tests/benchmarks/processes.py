"""Processes that a benchmark starts, talks to by lines of JSON, measures and ends; by /proc, so on Linux."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")

Answer = TypeVar("Answer")


class Failed(Exception):
    """Something did not run, so there is nothing to report."""


class Child:
    """A Python process of ours, that answers each line of JSON with one line of JSON."""

    def __init__(self, module: str, *arguments: str, environment: dict[str, str]) -> None:
        self.name = module.rpartition(".")[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, order: dict[str, Any]) -> None:
        """Give an order whose answer is read later, by `answer`."""
        stdin = self.process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{self.name} has ended by itself, with code {self.process.wait()}") from None

    def answer(self) -> dict[str, Any]:
        stdout = self.process.stdout
        assert stdout is not None
        line = stdout.readline()
        if not line:
            raise Failed(f"{self.name} has ended by itself, with code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Failed(f"{self.name}: {answer['failed']}")
        return answer

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        self.tell(order)
        return self.answer()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: object) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()
        stop(self.process)


def orders(out: IO[str] = sys.stdout) -> Iterator[tuple[dict[str, Any], Callable[[dict[str, Any]], None]]]:
    """In a Child: the orders that come in, each with what answers it, until nobody asks any more."""

    def answer(value: dict[str, Any]) -> None:
        out.write(json.dumps(value) + "\n")
        out.flush()

    for line in sys.stdin:
        yield json.loads(line), answer


def _end_with_parent() -> Callable[[], None]:
    """Return what a server does first, so that it does not outlive a benchmark that is killed."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# Environment, ports, waiting --------------------------------------------------


def clean_environment(**changes: str) -> dict[str, str]:
    """This environment without proxies and the portal's own settings, so that none decides a figure."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    ours = {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    ours |= {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    kept |= {"ENV_FILE": "", "NO_PROXY": HOST, "DJANGO_SETTINGS_MODULE": "dcsportal.settings"}
    return kept | changes


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until(
    happened: Callable[[], bool], what: str, *, alive: subprocess.Popen[Any] | None = None
) -> None:
    ends = time.monotonic() + START_SECONDS
    while not happened():
        if alive is not None and alive.poll() is not None:
            raise Failed(f"{what} has ended by itself, with code {alive.returncode}")
        if time.monotonic() > ends:
            raise Failed(f"{what} was not there within {START_SECONDS:.0f} seconds")
        time.sleep(0.05)


def answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        raise
    except OSError:
        return False


def started(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[Any]:
    """Start a server whose output goes to a file, as a service manager would take it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_parent(),
        )


@contextmanager
def logged(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[Any]]:
    """Run a server until the block is left."""
    process = started(command, log, environment)
    try:
        yield process
    finally:
        stop(process)


# What a process has cost ------------------------------------------------------


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes, from /proc/PID/stat."""
    try:
        return sum(_cpu_of(pid) for pid in pids)
    except FileNotFoundError as error:
        raise Failed(f"a process that was measured has ended: {error.filename}") from error


def _cpu_of(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def children_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if int(_stat(int(folder.name))[1]) == parent:
                    found.append(int(folder.name))
    return sorted(found)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; the second, in parentheses, may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


def memory_of(pid: int | str = "self") -> dict[str, int]:
    """Resident memory in bytes, `now` and at its `peak`.

    VmHWM is this program's own peak; ru_maxrss would count the process that started it too.
    """
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return {name: int(lines[key].split()[0]) * 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}
