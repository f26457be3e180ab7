"""`./run demo`: the emulator and the portal on this machine, with nothing to configure."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from backups.emulator.fleet import Fleet, Project
from backups.management.private_files import keep_private
from backups.management.starting import bound

HOST = "127.0.0.1"
START_SECONDS = 30
# The one project that the demo's second person may see too.
SHARED_PROJECT = "eu-prod"

PORTAL_IS_UP = """
  DCS backups, over emulated data:  {url}

  Sign in as   Ada   sees every project
               Ben   sees {shared} only
               Cleo  sees no project
  Stop with    Ctrl-C
"""


class Command(BaseCommand):
    help = "Run the portal over emulated data, on this machine only."
    requires_system_checks = ()  # of the demo's own settings, not of this environment's

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1; 0 takes any (8000)")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.DCS_DEMO:
            raise SystemExit("The demo has settings of its own: start it with ./run demo.")
        if not 0 <= port < 65536:
            raise SystemExit("--port must be from 0 to 65535.")
        with bound(HOST, port) as free:
            port = free.getsockname()[1]
        url = f"http://{HOST}:{port}/"
        folder = Path(settings.BASE_DIR) / "var" / "demo"
        with stopped_by_signals(), Children() as children:
            keep_private(Path(settings.VAR_DIR))
            emulator = children.start_emulator(folder / "emulator.log")
            projects = write_projects(folder, endpoint_of(emulator, folder / "emulator.log"))
            children.start_portal(port, {"PORTAL_URL": url.rstrip("/"), "DCS_PROJECTS_FILE": str(projects)})
            children.wait_for_portal(f"{url}healthz")
            self.stdout.write(PORTAL_IS_UP.format(url=url, shared=SHARED_PROJECT))
            self.stdout.flush()
            children.wait()


def write_projects(folder: Path, endpoint: str) -> Path:
    """Write the projects file with the fleet's keys beside it, readable by their owner only."""
    tables = [_table(folder, project, endpoint) for project in Fleet().projects]
    path = folder / "projects.toml"
    _write_private(path, "\n".join(tables))
    return path


def _table(folder: Path, project: Project, endpoint: str) -> str:
    values: dict[str, Any] = {
        "region": project.region,
        "project_id": project.project_id,
        "endpoint": endpoint,
        "groups": ["dcs-all", "dcs-eu"] if project.name == SHARED_PROJECT else ["dcs-all"],
    }
    for key in ("ak", "sk", "security_token"):
        if secret := getattr(project, key):
            _write_private(folder / f"{project.name}.{key}", secret)
            values[f"{key}_file"] = f"{project.name}.{key}"
    # A JSON text or list of texts is TOML too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"[projects.{project.name}]", *lines, ""])


def _write_private(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


class Children:
    """The processes of the demo: they end with it, however it ends."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + 5
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_emulator(self, log: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "emulator", "--bind", f"{HOST}:0"]
        with log.open("w") as errors:
            return self._start("emulator", command, stdout=subprocess.PIPE, stderr=errors)

    def start_portal(self, port: int, environment: dict[str, str]) -> None:
        command = [sys.executable, "manage.py", "serve", "--bind", f"{HOST}:{port}"]
        self._start("portal", command, env=os.environ | environment)

    def _start(self, name: str, command: list[str], **options: Any) -> subprocess.Popen[str]:
        process: subprocess.Popen[str] = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            text=True,
            stdin=subprocess.DEVNULL,
            # A terminal's Ctrl-C reaches the demo alone, which then stops them in order.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
            **options,
        )
        self._running[name] = process
        return process

    def wait_for_portal(self, url: str) -> None:
        # Not through a proxy of this environment: it is this machine.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._fail_if_one_has_ended()
            try:
                with direct.open(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise SystemExit(f"The portal did not answer within {START_SECONDS} seconds.")

    def wait(self) -> None:
        while True:
            self._fail_if_one_has_ended()
            time.sleep(0.5)

    def _fail_if_one_has_ended(self) -> None:
        for name, process in self._running.items():
            if (code := process.poll()) is not None:
                raise SystemExit(f"The {name} has ended by itself, with code {code}: so the demo ends too.")


def endpoint_of(emulator: subprocess.Popen[str], log: Path) -> str:
    """Return the endpoint that the emulator prints once it listens."""
    output = emulator.stdout
    assert output is not None
    lines = (line.strip() for line in output if line.startswith("DCS_ENDPOINT="))
    endpoint = next(lines, "").partition("=")[2]
    if not endpoint:
        raise SystemExit(f"The emulator did not start: {log} says why.")
    # Whatever else it prints is read too, so that it never waits for us.
    threading.Thread(target=output.read, daemon=True).start()
    return endpoint


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Leave the block on Ctrl-C, SIGTERM or SIGHUP, and finish leaving it whatever comes after."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(0 if number == signal.SIGINT else 128 + number)

    for each in signals:
        signal.signal(each, stop)
    yield


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a child does to be ended when the demo is killed outright; Linux alone offers it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def end_with_parent() -> None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return end_with_parent
