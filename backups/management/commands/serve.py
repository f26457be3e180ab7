"""`./run serve`: the portal for production."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from backups.management import starting
from backups.management.server import address_of, free_port, server_command


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
        refuse_wrong_settings()
        port = free_port(host, port)
        command = server_command(host, port, workers=workers)
        try:
            starting.prepare()
        except DatabaseError as error:
            raise SystemExit(f"The database cannot be used: {first_line(error)}.") from error
        starting.allow_many_connections()
        starting.keep_memory_together()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(starting.metrics_folder(host, port))
        for name in settings.NAMES_OF_ENV_FILE:
            os.environ.pop(name, None)
        # In place of this process, so that signals reach the server itself.
        os.execv(command[0], command)


def first_line(error: Exception) -> str:
    """Return what an error says, without the lines that only a program reads."""
    return f"{error}".strip().partition("\n")[0].rstrip(".") or type(error).__name__


def refuse_wrong_settings() -> None:
    problems = [problem for problem in run_checks(include_deployment_checks=True) if problem.level >= ERROR]
    if problems:
        problems.sort(key=lambda problem: problem.id or "")
        raise SystemExit("\n".join(f"{problem.msg} {problem.hint or ''}".strip() for problem in problems))
