"""How the portal is served: by granian, or behind a sign-in proxy by waitress.

What cannot be is told as one sentence by SystemExit; a CommandError would put its own name before it.
"""

from __future__ import annotations

import socket
import sys

from django.conf import settings

# A request holds a thread while it waits for DCS; what comes on top waits for one.
THREADS = 32
# A connection without a request costs a little memory, but no thread.
MOST_CONNECTIONS = 2048
HEADER_SECONDS = 10
# A link of 8 kB, escaped inside the address of the sign-in, and the cookies.
LONGEST_HEADERS = 64 * 1024


def server_command(host: str, port: int, *, workers: int = 1) -> list[str]:
    """Return what serves the portal.

    granian hands X_User over as X-User, and a sign-in proxy that replaces X-User lets X_User
    pass: any viewer could name another. waitress drops what has an underscore.
    """
    if not settings.SSO_PROXY_USER_HEADER:
        return granian_command(host, port, workers=workers)
    if workers > 1:
        raise SystemExit("--workers must be 1 with SSO_PROXY_USER_HEADER: start several servers instead.")
    return waitress_command(host, port)


def waitress_command(host: str, port: int) -> list[str]:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *(sys.executable, "-m", "backups.management.waitress_server"),
        *("--listen", address, "--threads", str(THREADS), "dcsportal.wsgi:application"),
    ]


def granian_command(host: str, port: int, *, workers: int = 1) -> list[str]:
    return [
        *(sys.executable, "-m", "backups.management.granian_server", "dcsportal.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        # What granian calls backpressure are connections, idle ones too: those must never be used up.
        *("--blocking-threads", str(THREADS), "--backpressure", str(MOST_CONNECTIONS)),
        # A client that does not end its headers, or its turn on a kept connection, is let go.
        *("--http1-header-read-timeout", str(HEADER_SECONDS * 1000)),
        *("--http1-buffer-size", str(LONGEST_HEADERS)),
        # Requests in flight are finished, as long as a viewer would wait for them.
        *("--workers-kill-timeout", "30"),
        # Its warnings are about the number of threads, which is meant: they wait, they do not compute.
        # On SIGHUP new workers come up with new settings; each old one ends five seconds later.
        *("--respawn-failed-workers", "--respawn-interval", "5", "--log-level", "error"),
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
