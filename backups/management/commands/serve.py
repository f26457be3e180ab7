"""`./run serve`: the portal for production."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from backups.management import starting


class Command(BaseCommand):
    help = "Serve the portal: check the settings, migrate, collect static files, then listen."
    requires_system_checks = ()  # the problems are told as plain sentences below

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port (127.0.0.1:8000)")
        parser.add_argument("--workers", type=int, default=1, help="worker processes (1)")

    def handle(self, *args: Any, bind: str, workers: int, **options: Any) -> None:
        host, port = address_of(bind)
        if not 1 <= workers <= 64:
            raise SystemExit("--workers must be from 1 to 64.")
        starting.refuse_wrong_settings()
        listener = starting.bound(host, port)
        try:
            starting.prepare()
        except DatabaseError as error:
            raise SystemExit(f"The database cannot be used: {starting.first_line(error)}.") from error
        starting.prepare_environment()
        listener.set_inheritable(True)
        given = (listener.fileno(), workers, starting.counts_folder(host, port), settings.LOG_FORMAT)
        command = [sys.executable, "-m", "backups.management.server", settings.WSGI_APPLICATION]
        # In place of this process, so that signals reach the server itself.
        os.execv(command[0], [*command, *map(str, given)])


def address_of(bind: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8000` or `[::1]:8000`."""
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SystemExit(f"--bind is {bind!r}, but must be an address and a port, such as 127.0.0.1:8000.")
    return host, int(port)
