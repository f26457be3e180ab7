"""The portal as `./run serve` serves it: granian, database sessions on SQLite, production settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .http import BROWSER, Answer, Connection, get
from .processes import (
    HOST,
    ROOT,
    Failed,
    answers,
    children_of,
    clean_environment,
    command_of,
    cpu_seconds,
    free_port,
    logged,
    wait_until,
)
from .stub import PROJECT
from .upstream import Upstream

SECRET_KEY = "only-for-benchmarks-only-for-benchmarks-0123456789"


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, its worker processes, and the cookies of who has signed in."""

    name: str
    port: int
    pid: int
    workers: tuple[int, ...]
    cookies: tuple[str, ...] = ()

    @property
    def cpu(self) -> float:
        """User and system time of the worker processes so far."""
        return cpu_seconds(*self.workers)

    def headers(self, viewer: int = 0, **more: str) -> dict[str, str]:
        return BROWSER | ({"Cookie": self.cookies[viewer]} if self.cookies else {}) | more

    def get(self, path: str, **more: str) -> Answer:
        return self.ask(get(self.port, path, self.headers(**more)))

    def ask(self, request: bytes) -> Answer:
        connection = Connection(self.port)
        answer = connection.ask(request)
        connection.close()
        return answer


def history(instance_id: str, query: str = "", page: str = "") -> str:
    return f"/projects/default/instances/{instance_id}/{page}" + (f"?{query}" if query else "")


def production(folder: Path, upstream: Upstream, port: int, **changes: str) -> dict[str, str]:
    """The environment of an installation; nobody signs in anew, so its provider need not be there."""
    settings = {
        "SECRET_KEY": SECRET_KEY,
        "PORTAL_URL": f"http://{HOST}:{port}",
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "SSO_ISSUER": f"http://{HOST}:9",
        "SSO_CLIENT_ID": "portal",
        "DCS_REGION": "eu-west-101",
        "DCS_PROJECT_ID": PROJECT,
        "DCS_ENDPOINT": upstream.endpoint,
        "DCS_AK": "AKEXAMPLE0000000000",
        "DCS_SK": "SKexampleSecretKey0000000000000000000000",
    }
    return clean_environment(**(settings | changes))


@contextmanager
def portal(
    folder: Path, upstream: Upstream, *, workers: int = 1, viewers: int = 1, **changes: str
) -> Iterator[Server]:
    """Serve the portal, with `viewers` signed in before it is asked for anything."""
    port = free_port()
    environment = production(folder, upstream, port, **changes)
    with serving(folder, port, environment, workers=workers, viewers=viewers) as server:
        yield server


@contextmanager
def serving(
    folder: Path, port: int, environment: dict[str, str], *, workers: int, viewers: int, group: str = ""
) -> Iterator[Server]:
    """Serve the portal under this environment, with `viewers` of a group signed in."""
    command = [sys.executable, "manage.py", "serve", "--bind", f"{HOST}:{port}", "--workers", str(workers)]
    with logged(command, folder / "portal.log", environment) as process:
        _wait_for(process, port, "the portal", folder / "portal.log")
        wait_until(lambda: len(children_of(process.pid)) >= workers, "a worker", alive=process)
        groups = [group] if group else []
        cookies = prepared("signed_in", str(viewers), *groups, environment=environment)
        yield Server("portal", port, process.pid, tuple(children_of(process.pid)), tuple(cookies))


@contextmanager
def served_like(
    model: Server, package: str, environment: dict[str, str], log: Path, *cookies: str
) -> Iterator[Server]:
    """Serve another application of this folder by the very command that serves the portal."""
    port = free_port()
    command = command_of(model.pid)
    command[command.index("dcsportal.wsgi:application")] = f"{__package__}.{package}.wsgi:application"
    command[command.index(str(model.port))] = str(port)
    with logged(command, log, environment) as process:
        _wait_for(process, port, package, log)
        yield Server(package, port, process.pid, tuple(children_of(process.pid)), cookies)


def prepared(module: str, *arguments: str, environment: dict[str, str], before: tuple[str, ...] = ()) -> Any:
    """Run a module of this package to its end, and return what it says in JSON.

    `before` are words of a command that runs it.
    """
    done = subprocess.run(
        [*before, sys.executable, "-m", f"{__package__}.{module}", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{module} ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def _wait_for(process: subprocess.Popen[Any], port: int, name: str, log: Path) -> None:
    try:
        wait_until(lambda: answers(f"http://{HOST}:{port}/healthz"), name, alive=process)
    except Failed as failure:
        raise Failed(f"{failure}: {log.read_text().strip()[-2000:]}") from None
