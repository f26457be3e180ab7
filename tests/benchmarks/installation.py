"""A whole installation: two portal servers on one PostgreSQL and one Redis, nginx before them, DCS behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backups.emulator.api import Emulator
from backups.emulator.fleet import Fleet
from backups.emulator.server import running

from ..servers.nginx import Configuration
from . import engines
from .portal import SECRET_KEY, prepared
from .processes import HOST, answers, clean_environment, free_port
from .programs import Program
from .steady import Portal

WORKERS = 2
# Lists are asked for again so soon that a DCS in trouble is met at once.
FRESH_SECONDS = 2
# The projects that the portal has, and who sees the second one.
PROJECTS, GROUP_OF_SECOND = ("eu-prod", "cn-prod"), "team-1"


@dataclass(frozen=True)
class Installation:
    emulator: Emulator
    postgresql: Program
    redis: Program
    servers: tuple[Program, ...]
    portal: Portal


@contextmanager
def emulated() -> Iterator[tuple[Emulator, str]]:
    """A DCS whose records stay as they are, and its address."""
    now = datetime.now(UTC)
    emulator = Emulator(Fleet(now=lambda: now))
    with running(emulator) as endpoint:
        yield emulator, endpoint


@contextmanager
def installed(folder: Path, viewers: int) -> Iterator[Installation]:
    """Start all of it, and sign the viewers in."""
    # nginx's workers are of another user.
    folder.chmod(0o755)
    ports = [free_port(), free_port()]
    configuration = Configuration.written(folder, ports)
    with ExitStack() as stack:
        emulator, endpoint = stack.enter_context(emulated())
        postgresql = stack.enter_context(engines.postgresql(folder))
        redis = stack.enter_context(engines.redis(folder))
        environment = production(
            folder,
            emulator,
            endpoint,
            PORTAL_URL=configuration.url,
            TRUSTED_PROXIES=HOST,
            DATABASE_URL=engines.postgresql_url(postgresql.port),
            CACHE_URL=engines.redis_url(redis.port),
        )
        servers = [stack.enter_context(portal_server(folder, environment, port)) for port in ports]
        stack.enter_context(engines.nginx(configuration))
        cookies = tuple(prepared("signed_in", str(viewers), environment=environment))
        portal = Portal(configuration.url, cookies, str(configuration.certificate))
        yield Installation(emulator, postgresql, redis, tuple(servers), portal)


def production(folder: Path, emulator: Emulator, endpoint: str, **own: str) -> dict[str, str]:
    """The environment of a portal of two projects, whose provider is not there: nobody signs in anew."""
    keys, tables = {}, []
    for number, name in enumerate(PROJECTS):
        project = emulator.fleet.project(name)
        keys |= {f"AK_{number}": project.ak, f"SK_{number}": project.sk}
        groups = [GROUP_OF_SECOND] if number else []
        tables += [
            f"[projects.{name}]",
            f'region = "{project.region}"',
            f'project_id = "{project.project_id}"',
            f'endpoint = "{endpoint}"',
            f'ak_env = "AK_{number}"',
            f'sk_env = "SK_{number}"',
            f"groups = {groups!r}",
        ]
    projects = folder / "projects.toml"
    projects.write_text("\n".join(tables))
    settings = {
        "SECRET_KEY": SECRET_KEY,
        "SSO_ISSUER": f"http://{HOST}:9",
        "SSO_CLIENT_ID": "portal",
        "DCS_PROJECTS_FILE": str(projects),
        "DCS_FRESH_SECONDS": str(FRESH_SECONDS),
        "LOG_FORMAT": "json",
    }
    return clean_environment(**(settings | keys | own))


def portal_server(folder: Path, environment: dict[str, str], port: int, *before: str) -> Program:
    """A server of the portal; `before` are words of a command that runs it."""
    command = [*before, sys.executable, "manage.py", "serve", "--bind", f"{HOST}:{port}"]
    return Program(
        f"the portal on port {port}",
        [*command, "--workers", str(WORKERS)],
        folder / f"portal-{port}.log",
        environment,
        _is_up,
        port,
    )


def _is_up(server: Program) -> bool:
    """Tell whether it answers, by workers of its own."""
    return len(server.children) == WORKERS and answers(f"http://{HOST}:{server.port}/healthz")
