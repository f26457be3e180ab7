"""`./run manage collect`: the collector alone, where servers are only to answer."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from backups.management import starting
from backups.services.collector import collect


class Command(BaseCommand):
    help = (
        "Read what is due of all projects until stopped, whatever COLLECT says. Of all such processes and of "
        "all servers with COLLECT=on one does so at a time; the others take over when it ends."
    )
    requires_system_checks = ()  # the problems are told as plain sentences
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        starting.refuse_wrong_settings()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        collect(stop)
