"""`./run demo`: the emulator and the portal on this machine, with nothing to configure."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from backups.emulator.api import Emulator
from backups.emulator.fleet import Project
from backups.emulator.server import running
from backups.management.past import DELETED_ID, replay
from backups.management.private_files import keep_private
from backups.management.starting import bound, one_at_a_time

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 5
# The one project that the demo's second person may see too.
SHARED_PROJECT = "eu-prod"

PORTAL_IS_UP = """
  DCS backups, over emulated data:  {url}

  Sign in as   Ada   sees every project
               Ben   sees {shared} only
               Cleo  sees no project
  Deleted      {url}projects/{shared}/instances/{deleted}/
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
        stop_on_signals()
        keep_private(settings.VAR_DIR)
        emulator = Emulator()
        with bound(HOST, port) as ours, bound_as_before() as emulators:
            port, emulator_port = ours.getsockname()[1], emulators.getsockname()[1]
            url, endpoint = f"http://{HOST}:{port}/", f"http://{HOST}:{emulator_port}"
            write_projects(emulator.fleet.projects, endpoint)
            with one_at_a_time():
                call_command("migrate", verbosity=0, interactive=False)
                replay(endpoint, now=datetime.now(UTC))
            connection.close()
        # The portal first: a process with threads should not fork.
        with portal_at(url) as portal, running(emulator, HOST, emulator_port):
            if answers(portal, url):
                self.stdout.write(PORTAL_IS_UP.format(url=url, shared=SHARED_PROJECT, deleted=DELETED_ID))
                self.stdout.flush()
            code = portal.wait()
            raise SystemExit(f"The portal has ended by itself, with code {code}: so the demo ends too.")


PROJECTS_FILE: Path = settings.VAR_DIR / "demo" / "projects.toml"


def bound_as_before() -> socket.socket:
    """Take the port of the last demo's emulator, where it is free: evidence is told by its endpoint."""
    with suppress(OSError, LookupError, SystemExit):
        last = tomllib.loads(PROJECTS_FILE.read_text())["projects"][SHARED_PROJECT]
        return bound(HOST, urlsplit(last["endpoint"]).port or 0)
    return bound(HOST, 0)


def write_projects(projects: tuple[Project, ...], endpoint: str) -> None:
    """Write the projects file with the fleet's keys beside it."""
    lines = []
    for project in projects:
        groups = ["dcs-all", "dcs-eu"] if project.name == SHARED_PROJECT else ["dcs-all"]
        values: dict[str, Any] = {"region": project.region, "project_id": project.project_id}
        values |= {"endpoint": endpoint, "groups": groups}
        for key in ("ak", "sk", "security_token"):
            if secret := getattr(project, key):
                values[f"{key}_file"] = file = f"{project.name}.{key}"
                PROJECTS_FILE.with_name(file).write_text(secret)
        # A JSON text or list of texts is TOML too.
        lines += [f"[projects.{project.name}]", *(f"{key} = {json.dumps(values[key])}" for key in values)]
    PROJECTS_FILE.write_text("\n".join(lines))


@contextmanager
def portal_at(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the portal; it ends with the block, and on Linux also where this process is killed outright."""
    command = [sys.executable, "manage.py", "serve", "--bind", url.removeprefix("http://").rstrip("/")]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=os.environ | {"PORTAL_URL": url.rstrip("/"), "DCS_PROJECTS_FILE": str(PROJECTS_FILE)},
        stdin=subprocess.DEVNULL,
        # A terminal's Ctrl-C reaches the demo alone, which then stops the portal.
        start_new_session=True,
        # PR_SET_PDEATHSIG: it ends with its parent.
        preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM) if sys.platform == "linux" else None,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(portal: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the portal answers, and return whether it does: it may have ended instead."""
    deadline = time.monotonic() + START_SECONDS
    while portal.poll() is None:
        with suppress(requests.RequestException):
            return requests.get(f"{url}healthz", timeout=2).ok
        if time.monotonic() > deadline:
            raise SystemExit(f"The portal did not answer within {START_SECONDS} seconds.")
        time.sleep(0.05)
    return False


def stop_on_signals() -> None:
    """End on Ctrl-C, SIGTERM or SIGHUP, in order, whatever comes after the first of them."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(0 if number == signal.SIGINT else 128 + number)

    for each in signals:
        signal.signal(each, stop)
