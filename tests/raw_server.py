"""A server on loopback whose every byte a test decides."""

import contextlib
import socket
import threading


@contextlib.contextmanager
def server(handle, *, context=None):
    """A server that reads a request and lets `handle` answer it; yields its address and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []
    threads = []

    def serve(connection):
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

    def accept():
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


def http(body, status=b"200 OK", head=b""):
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


def answering(body, **others):
    return lambda connection: connection.sendall(http(body, **others))


def for_ever(start, piece, pause=0.0):
    """Send a start, then a piece again and again, until the client leaves."""

    def handle(connection):
        connection.sendall(start)
        left = threading.Event()
        while not left.wait(pause):
            connection.sendall(piece)

    return handle
