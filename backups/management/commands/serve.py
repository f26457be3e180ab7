"""`./run serve`: the portal for production."""

from __future__ import annotations

import os
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand

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
        call_command("migrate", verbosity=0, interactive=False)
        call_command("clearsessions")
        call_command("collectstatic", verbosity=0, interactive=False)
        command = server_command(host, port, workers=workers)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(begun_metrics_folder(host, port))
        # In place of this process, so that signals reach the server itself.
        os.execv(command[0], command)


def begun_metrics_folder(host: str, port: int) -> Path:
    """Return the empty folder in which this server's workers count; no other server has its address."""
    folder = Path(settings.VAR_DIR) / "metrics" / f"{host}-{port}".replace(":", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def refuse_wrong_settings() -> None:
    problems = [problem for problem in run_checks(include_deployment_checks=True) if problem.level >= ERROR]
    if problems:
        problems.sort(key=lambda problem: problem.id or "")
        raise SystemExit("\n".join(f"{problem.msg} {problem.hint or ''}".strip() for problem in problems))
