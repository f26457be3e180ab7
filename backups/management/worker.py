"""One worker of the server: waitress on a socket that it is handed, until the server says stop, or is gone.

python -m backups.management.worker APPLICATION LISTENER CHANNEL SLOT: file descriptors, see server.py.

waitress takes a request whole before a thread has to do with it, and sends an answer however slowly it is
read: slow and idle clients cost a little memory only. It drops headers whose names have an underscore: X_User
of a viewer would pass for the X-User of a sign-in proxy.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from django.utils.module_loading import import_string
from prometheus_client import values
from waitress.server import create_server

LIMITS = {
    # A request holds a thread while it waits for DCS; what comes on top waits for one.
    "threads": 32,
    "connection_limit": 2048,
    # Who says nothing for so long, or reads nothing, is let go.
    "channel_timeout": 10,
    "cleanup_interval": 2,
    # A link of 8 kB, escaped inside the address of the sign-in, and the cookies.
    "max_request_header_size": 64 * 1024,
    "max_request_body_size": 64 * 1024,
}
# How long what is under way may take once the server stops: no viewer waits longer.
STOP_SECONDS = 30.0
# A connection that was used just now may bring a request that is on its way already.
LAST_REQUEST_SECONDS = 0.5


def main(application: str, listener: str, channel: str, slot: str) -> None:
    # Until it serves there is nothing to finish. A reload is the server's affair.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
    server: Any = create_server(
        import_string(application),
        sockets=[socket.socket(fileno=int(listener))],
        ident=None,
        # The portal itself decides by TRUSTED_PROXIES whose X-Forwarded-For counts.
        clear_untrusted_proxy_headers=False,
        asyncore_use_poll=True,
        **LIMITS,
    )
    from backups.services import collector  # which needs the apps

    stopping = threading.Event()

    def stop(*args: object) -> None:
        stopping.set()
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    watched = socket.socket(fileno=int(channel))
    watched.send(b"1")  # this worker answers
    threading.Thread(target=lambda: stop(watched.recv(1)), daemon=True).start()  # until the server is gone
    collector.start()
    while not stopping.is_set():
        _serve_once(server, 1.0)
    _finish(server)
    collector.stop()


def _serve_once(server: Any, seconds: float) -> None:
    server.asyncore.loop(timeout=seconds, map=server._map, use_poll=True, count=1)


def _finish(server: Any) -> None:
    """Take no new connection, and answer what has been asked."""
    server.accepting = False
    server.socket.close()
    server.del_channel()
    ends = time.monotonic() + STOP_SECONDS
    while time.monotonic() < ends and any(map(_is_busy, server.active_channels.values())):
        for channel in list(server.active_channels.values()):
            for request in channel.requests:
                request.headers["CONNECTION"] = "close"  # so that kept connections end with this answer
        _serve_once(server, 0.1)
    server.task_dispatcher.shutdown(timeout=1)


def _is_busy(channel: Any) -> bool:
    used_just_now = time.time() - channel.last_activity < LAST_REQUEST_SECONDS
    return bool(channel.requests or channel.total_outbufs_len or used_just_now)


if __name__ == "__main__":
    main(*sys.argv[1:])
