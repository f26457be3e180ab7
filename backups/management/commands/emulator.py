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


class Command(BaseCommand):
    help = "Serves the emulated DCS API on this machine, and prints the settings that point a client at it."
    requires_system_checks = ()  # it needs no portal, so no setting of the portal can stop it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", required=True, metavar="127.0.0.1:PORT")
        parser.add_argument("--records", type=int, default=10_000, help="length of bulk-history (10000)")
        parser.add_argument(
            "--instances", type=int, default=0, help="more instances in its first project (0)"
        )
        parser.add_argument("--latency-ms", type=float, default=0, help="time that every answer takes (0)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = _loopback_address(options["bind"])
        emulator = Emulator(Fleet(bulk_records=options["records"]))
        emulator.latency = options["latency_ms"] / 1000
        emulator.fleet.add_many(options["instances"])
        emulator.fleet.backups(BULK_HISTORY_ID)  # made now, so that the first page is no slower than the rest
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            with running(emulator, host, port) as endpoint:
                self.stdout.write(f"DCS_ENDPOINT={endpoint}")
                for name in ("region", "project_id", "ak", "sk"):
                    self.stdout.write(f"DCS_{name.upper()}={getattr(emulator.fleet.primary, name)}")
                self.stdout.flush()
                stop.wait()
        except OSError as problem:
            raise CommandError(f"The emulator cannot listen on {host}:{port}: {problem.strerror}.") from None


def _loopback_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT. Faults can be injected by whoever reaches the emulator, so it stays on this machine."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise CommandError(f"--bind: {text} is no address such as 127.0.0.1:8081.") from None
    if not loopback:
        raise CommandError(f"The emulator binds to loopback only, such as 127.0.0.1:8081, not to {host}.")
    if not port.isdecimal() or int(port) > 65535:
        raise CommandError(f"--bind: {text} has no port between 0 and 65535.")
    return host, int(port)
