"""waitress with an orderly end: on SIGTERM no new connection is taken, and what is under way is finished.

python -m backups.management.waitress_server --listen 127.0.0.1:8000 dcsportal.wsgi:application
"""

from __future__ import annotations

import argparse
import importlib
import signal
import time
from typing import Any

from waitress.server import create_server

# What one process holds open; a slow or idle client costs a little memory and no thread.
MOST_CONNECTIONS = 2000
IDLE_SECONDS = 30
LONGEST_HEADER = 64 * 1024
LONGEST_BODY = 256 * 1024
# A viewer waits no longer.
STOP_SECONDS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="waitress_server")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("application", metavar="MODULE:NAME")
    arguments = parser.parse_args()
    module, _, name = arguments.application.partition(":")
    serve(getattr(importlib.import_module(module), name), arguments.listen, arguments.threads)


def serve(application: Any, listen: str, threads: int) -> None:
    server: Any = create_server(
        application,
        listen=listen,
        threads=threads,
        ident=None,
        # The portal itself decides by TRUSTED_PROXIES whose X-Forwarded-For counts.
        clear_untrusted_proxy_headers=False,
        connection_limit=MOST_CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=5,
        max_request_header_size=LONGEST_HEADER,
        max_request_body_size=LONGEST_BODY,
        asyncore_use_poll=True,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        server.asyncore.loop(timeout=1, map=server._map, use_poll=True)
    except SystemExit:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_IGN)
        _finish(server)


def _stop(*args: object) -> None:
    raise SystemExit


def _finish(server: Any) -> None:
    """Answer what has been asked, and send all of it."""
    server.accepting = False
    server.socket.close()
    server.del_channel()
    ends = time.monotonic() + STOP_SECONDS
    while _is_busy(server) and time.monotonic() < ends:
        server.asyncore.loop(timeout=0.1, map=server._map, use_poll=True, count=1)
    server.task_dispatcher.shutdown(timeout=1)


def _is_busy(server: Any) -> bool:
    return any(
        channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values())
    )


if __name__ == "__main__":
    main()
