"""How the portal is served: by granian, in production and in the demo alike.

What cannot be is told as one sentence by SystemExit; a CommandError would put its own name before it.
"""

from __future__ import annotations

import socket
import sys

from django.conf import settings

# A request holds a thread while it waits for DCS; what comes on top waits in the backlog.
THREADS = 32


def granian_command(host: str, port: int, *, workers: int = 1) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "dcsportal.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--blocking-threads", str(THREADS), "--backpressure", str(2 * THREADS)),
        # Requests in flight are finished, as long as a viewer would wait for them.
        *("--workers-kill-timeout", "30"),
        # Its warnings are about the number of threads, which is meant: they wait, they do not compute.
        *("--respawn-failed-workers", "--log-level", "error"),
        *(("--log-config", "dcsportal/granian-json.json") if settings.LOG_FORMAT == "json" else ()),
    ]


def address_of(bind: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8000` or `[::1]:8000`."""
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SystemExit(f"--bind is {bind!r}, but must be an address and a port, such as 127.0.0.1:8000.")
    return host, int(port)


def free_port(host: str, port: int) -> int:
    """Return the port, or any free one for 0; granian itself would share a taken one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SystemExit(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
        return int(probe.getsockname()[1])
