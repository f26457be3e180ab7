"""`manage.py emulator`: the stand-in for DCS by itself, for a demo, a script or a stranger's client."""

from __future__ import annotations

import ipaddress
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, Fleet
from backups.emulator.server import running

MOST_RECORDS = 1_000_000
MOST_MILLISECONDS = 600_000


class Command(BaseCommand):
    help = "Serves the emulated DCS API on this machine, and prints the settings that point a client at it."
    requires_system_checks = ()  # it needs no portal, so no setting of the portal can stop it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", required=True, metavar="127.0.0.1:PORT")
        parser.add_argument("--records", default="10000", metavar="N", help="length of bulk-history")
        parser.add_argument("--latency-ms", default="0", metavar="N", help="time that every answer takes")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = _loopback_address(options["bind"])
        records = int(_number("--records", options["records"], MOST_RECORDS))
        emulator = Emulator(Fleet(bulk_records=records))
        emulator.latency = _number("--latency-ms", options["latency_ms"], MOST_MILLISECONDS) / 1000
        emulator.fleet.backups(BULK_HISTORY_ID)  # made now, so that the first page is no slower than the rest
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            with running(emulator, host, port) as endpoint:
                project = emulator.fleet.primary
                self.stdout.write(f"DCS_ENDPOINT={endpoint}")
                self.stdout.write(f"DCS_REGION={project.region}")
                self.stdout.write(f"DCS_PROJECT_ID={project.project_id}")
                self.stdout.write(f"DCS_AK={project.ak}")
                self.stdout.write(f"DCS_SK={project.sk}")
                self.stdout.flush()
                stop.wait()
        except OSError as problem:
            raise CommandError(f"The emulator cannot listen on {host}:{port}: {problem.strerror}.") from None


def _loopback_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT. Faults can be injected by whoever reaches the emulator, so it stays on this machine."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"--bind: {text} has no port between 0 and 65535.")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise CommandError(f"--bind: {text} is no address such as 127.0.0.1:8081.") from None
    if not loopback:
        raise CommandError(f"The emulator binds to loopback only, such as 127.0.0.1:8081, not to {host}.")
    return host, int(port)


def _number(option: str, text: str, most: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise CommandError(f"{option}: {text} is no number between 0 and {most}.")
    return value
