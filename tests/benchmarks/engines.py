"""Debian's PostgreSQL, Redis and nginx, on ports and with folders of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg

from ..servers.nginx import Configuration
from .processes import HOST, Failed, clean_environment, free_port
from .programs import Program

_USER = "portal"


def missing() -> str:
    """Return the Debian packages that are not installed, none if all are."""
    programs = {"nginx": "nginx", "redis-server": "redis-server"}
    programs["postgresql"] = postgresql_program("postgres")
    return ", ".join(package for package, program in programs.items() if shutil.which(program) is None)


def postgresql_program(name: str) -> str:
    """Return where it is; Debian keeps those of the server off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


def postgresql(folder: Path) -> Program:
    """`folder` becomes that of a new server; its address is `postgresql_url`."""
    port, data = free_port(), folder / "data"
    # PostgreSQL refuses itself to root: it is somebody else there, and root's files are that user's.
    user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.geteuid() == 0 else []
    make = [postgresql_program("initdb"), "-D", str(data), "-U", _USER, "--auth=trust", "-E", "UTF8"]
    done = subprocess.run([*user, *make, "--no-sync"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"initdb ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
    command = [*user, postgresql_program("postgres"), "-D", str(data), "-k", str(folder)]
    command += ["-h", HOST, "-p", str(port), "-c", "fsync=off"]
    log, environment = folder / "postgresql.log", clean_environment()
    return Program("PostgreSQL", command, log, environment, _answers_query, port, ends_by=signal.SIGINT)


def postgresql_url(port: int) -> str:
    return f"postgresql://{_USER}@{HOST}:{port}/postgres"


def _answers_query(server: Program) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(postgresql_url(server.port), connect_timeout=2).close()
        return True
    return False


def redis(folder: Path) -> Program:
    port = free_port()
    command = ["redis-server", "--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    log, environment = folder / "redis.log", clean_environment()
    return Program("Redis", command, log, environment, _answers_ping, port)


def redis_url(port: int) -> str:
    return f"redis://{HOST}:{port}/0"


def _answers_ping(server: Program) -> bool:
    with suppress(OSError), socket.create_connection((HOST, server.port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


def nginx(configuration: Configuration) -> Program:
    log, port = configuration.folder / "nginx.log", configuration.https
    return Program("nginx", configuration.command, log, clean_environment(), _takes_connections, port)


def _takes_connections(server: Program) -> bool:
    with suppress(OSError):
        socket.create_connection((HOST, server.port), timeout=1).close()
        return True
    return False
