"""A server on loopback whose every byte a test decides."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(handle: Handler, *, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and lets `handle` answer it; yields its address and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            wrapped = context.wrap_socket(connection, server_side=True) if context else connection
            with wrapped:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += (piece := wrapped.recv(65536))
                    if not piece:
                        return
                seen.append(received)
                handle(wrapped)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(5)
            assert not thread.is_alive(), "the client left its connection open"


def http(body: bytes, status: bytes = b"200 OK", head: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


def answering(body: bytes, **others: bytes) -> Handler:
    return lambda connection: connection.sendall(http(body, **others))


def for_ever(start: bytes, piece: bytes, pause: float = 0.0) -> Handler:
    """Send a start, then a piece again and again, until the client leaves."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(start)
        left = threading.Event()
        while not left.wait(pause):
            connection.sendall(piece)

    return handle
