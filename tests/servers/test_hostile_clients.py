"""Clients that send too much, too slowly, or never read: they get an error, and the others notice nothing."""

import contextlib
import re
import socket
from pathlib import Path

import pytest

from backups.emulator.fleet import BULK_HISTORY_ID
from backups.management.worker import LIMITS

from .served import HISTORY

LONG_HISTORY = f"/projects/eu-prod/instances/{BULK_HISTORY_ID}/?per_page=200"


@pytest.fixture
def ada(served):
    return served.signed_in()


def request(path, *lines, method="GET"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def status_of(served, *pieces):
    """Send these bytes as far as the server takes them, and return the status that it answers."""
    with served.connect() as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        answer = b""
        with contextlib.suppress(OSError):
            while b"\r\n" not in answer and (got := connection.recv(65536)):
                answer += got
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


# --- Too much --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([request("/find/?q=" + "a" * 200_000)], 431),
        ([request("/", *["Cookie: a=" + "b" * 10_000] * 100)], 431),
        ([request("/sign-in/", "Content-Length: 300000", method="POST"), b"x" * 300_000], 413),
        ([request("/sign-in/", f"Content-Length: {10**12}", method="POST")], 413),
        ([request("/sign-in/", "Content-Length: -5", method="POST")], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n"], 400),
        # Django counts these before there is a request, where it is told to: that would be a 500.
        ([request("/sign-in/?" + "a=1&" * 15_000, "Content-Type: text/plain; charset=utf-8")], 200),
        ([request("/sign-in/", "Content-Length: 60000", method="POST"), b"a=1&" * 15_000], 403),
    ],
    ids=["address", "cookies", "body", "terabyte", "length", "no HTTP", "parameters", "fields"],
)
def test_too_much_is_refused_or_does_no_harm(served, sent, status):
    assert status_of(served, *sent) == status

    assert served.get("/healthz").status_code == 200


def test_a_long_address_is_told_so_and_not_repeated(served, ada):
    response = ada.get(f"{served.url}/find/?" + "&".join(["<script>=1"] * 200))

    assert response.status_code == 414
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<script>=1" not in response.text


def test_a_body_without_end_is_refused_and_fills_no_memory(served):
    before = _memory(served)
    head = request("/sign-in/", "Transfer-Encoding: chunked", method="POST")
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    assert status_of(served, head, *[chunk] * 100) == 413
    assert _memory(served) - before < 20


def _memory(served):
    """Return how many megabytes the workers hold."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in served.workers())
    return pages * 4096 / 1e6


# --- Too slow --------------------------------------------------------------------


@contextlib.contextmanager
def connections(served, count, sent=b"", buffer=0):
    """Hold so many connections that have sent this, and read nothing, until the block is left."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(served.connect()))
            if buffer:
                made[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            made[-1].sendall(sent)
        yield made


def test_idle_and_half_sent_connections_hold_up_nobody_and_are_let_go(served, ada):
    half_a_head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
    half_a_body = request("/sign-in/", "Content-Length: 1000", method="POST") + b"person="
    with (
        connections(served, 500) as idle,
        connections(served, 100, half_a_head) as heads,
        connections(served, 100, half_a_body) as bodies,
    ):
        for _ in range(20):
            assert ada.get(served.url + HISTORY, timeout=30).status_code == 200
        assert served.signed_in("ben")  # forms are taken, too
        for held in (idle[0], heads[0], bodies[0]):
            held.settimeout(LIMITS["channel_timeout"] + 30)
            assert held.recv(1000) == b""


def test_who_reads_no_answer_holds_up_nobody(served, ada):
    ada.get(served.url + LONG_HISTORY)
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ada.cookies)
    asked = request(LONG_HISTORY, f"Cookie: {cookie}")

    # More than both workers have threads.
    with connections(served, 2 * LIMITS["threads"] + 6, asked, buffer=4096):
        for _ in range(5):
            assert ada.get(served.url + HISTORY, timeout=30).status_code == 200
