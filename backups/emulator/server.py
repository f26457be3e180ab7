"""The emulator on a real socket."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import waitress
from waitress import wasyncore

from .api import Emulator

THREADS = 64  # hanging requests hold a thread each


@contextlib.contextmanager
def running(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the emulator in the background, and yield its address, `http://127.0.0.1:PORT`.

    Leaving the block closes the socket at once, whatever still hangs.
    """
    server = _Server(emulator, host, port)
    thread = threading.Thread(target=server.run, name="dcs-emulator", daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.stop()
        thread.join()


def serve(
    emulator: Emulator, host: str, port: int, *, stop: threading.Event, listening: Callable[[str], None]
) -> None:
    """Serve until `stop` is set; `listening` is told the address once requests are taken."""
    with running(emulator, host, port) as address:
        listening(address)
        stop.wait()


class _Server:
    """waitress with a loop of its own, since waitress itself stops by an exception only."""

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self._emulator = emulator
        self._sockets: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._server = waitress.create_server(
            emulator,
            map=self._sockets,
            host=host,
            port=port,
            threads=THREADS,
            ident="dcs-emulator",
            clear_untrusted_proxy_headers=True,
        )

    @property
    def address(self) -> str:
        host = self._server.effective_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.effective_port}"

    def run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1.0, map=self._sockets, count=1)
        for channel in list(self._sockets.values()):
            channel.close()

    def stop(self) -> None:
        self._stopping.set()
        self._emulator.heal()
        with contextlib.suppress(OSError):  # the loop has seen it already
            self._server.pull_trigger()
        self._server.task_dispatcher.shutdown(timeout=1)
