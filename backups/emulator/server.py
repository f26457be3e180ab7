"""The emulator on a real socket."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import waitress
from waitress import wasyncore

from .api import Emulator
from .control import with_control

THREADS = 64  # hanging requests hold a thread each


@contextlib.contextmanager
def running(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the emulator and its control in the background, and yield the address, `http://127.0.0.1:PORT`.

    Leaving the block closes the socket at once, whatever still hangs.
    """
    sockets: dict[int, Any] = {}
    server = waitress.create_server(
        with_control(emulator),
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        ident="dcs-emulator",
        clear_untrusted_proxy_headers=True,
    )
    stopping = threading.Event()

    def serve() -> None:  # a loop of our own, since waitress's ends by an exception only
        while not stopping.is_set():
            wasyncore.loop(timeout=1.0, map=sockets, count=1)
        for channel in list(sockets.values()):
            channel.close()

    thread = threading.Thread(target=serve, name="dcs-emulator", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"
    finally:
        stopping.set()
        emulator.heal()
        with contextlib.suppress(OSError):  # the loop has seen it already
            server.pull_trigger()
        server.task_dispatcher.shutdown(timeout=1)
        thread.join()
