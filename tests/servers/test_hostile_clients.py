"""Clients that send too much, too slowly, or never read: they get an error, and the others notice nothing."""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.management.worker import LIMITS
from dcsportal.bounds import BODIES_OF_ONE_ADDRESS

from .served import Served

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
BULK = f"/projects/eu-prod/instances/{BULK_HISTORY_ID}/"


@pytest.fixture(scope="module")
def ada(served: Served) -> requests.Session:
    return served.signed_in()


def answer_to(served: Served, *pieces: bytes) -> bytes:
    """Send these bytes as far as the server takes them, and return the head of what it answers."""
    with served.connect() as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        answer = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in answer and (got := connection.recv(65536)):
                answer += got
    return answer


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


# --- Too much --------------------------------------------------------------------


def test_a_link_of_eight_kilobytes_comes_through_the_sign_in(served: Served) -> None:
    link = f"{HISTORY}?q=" + "%E5%A4%87" * 890
    assert 8000 < len(link) <= 8192

    away = served.get(link)
    page = served.get(away.headers["Location"])

    assert away.headers["Location"] == f"/sign-in/?next={quote(link, safe='/')}"
    assert page.status_code == 200
    assert link.replace("&", "&amp;") in page.text


@pytest.mark.parametrize(
    ("what", "sent", "status"),
    [
        ("an address of 40 kB", [request("/find/?q=" + "a" * 40_000)], 414),
        ("an address of 200 kB", [request("/find/?q=" + "a" * 200_000)], 431),
        ("a path of 3 kB", [request("/projects/" + "a" * 3000 + "/")], 414),
        ("300 parameters", [request("/find/?" + "a=1&" * 300)], 400),
        (
            "300 parameters, and how they are written",
            [request("/find/?" + "a=1&" * 300, "Content-Type: text/plain; charset=utf-8")],
            400,
        ),
        (
            "300 fields",
            [request("/sign-in/", "Content-Length: 1200", method="POST"), b"a=1&" * 300],
            400,
        ),
        ("a header of a megabyte", [request("/", "X-Long: " + "a" * 1_000_000)], 431),
        ("cookies of a megabyte", [request("/", *["Cookie: a=" + "b" * 10_000] * 100)], 431),
        ("300 headers", [request("/", *[f"X-{n}: 1" for n in range(300)])], 431),
        (
            "a body of 300 kB",
            [request("/sign-in/", "Content-Length: 300000", method="POST"), b"x" * 300_000],
            413,
        ),
        ("a body of a terabyte", [request("/sign-in/", f"Content-Length: {10**12}", method="POST")], 413),
        ("a length that is none", [request("/sign-in/", "Content-Length: -5", method="POST")], 400),
        ("no HTTP", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n"], 400),
    ],
)
def test_too_much_is_refused(served: Served, what: str, sent: list[bytes], status: int) -> None:
    assert status_of(answer_to(served, *sent)) == status

    assert served.get("/healthz").status_code == 200


def test_a_body_without_end_is_refused_at_once_and_fills_no_memory(served: Served) -> None:
    before = _memory(served)
    head = request("/sign-in/", "Transfer-Encoding: chunked", method="POST")
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    assert status_of(answer_to(served, head, *[chunk] * 200)) == 411
    assert _memory(served) - before < 20


def _memory(served: Served) -> float:
    """Return how many megabytes the workers hold."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in served.workers())
    return pages * 4096 / 1e6


def test_what_is_refused_has_the_security_headers_and_repeats_nothing(served: Served) -> None:
    response = served.get("/find/?" + "&".join(["<script>=1"] * 200))

    assert response.status_code == 400
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<script>=1" not in response.text


# --- Too slow --------------------------------------------------------------------

Attack = Callable[[socket.socket], None]


def _sends_nothing(connection: socket.socket) -> None:
    pass


def _sends_half_a_head(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")


def _sends_half_a_body(connection: socket.socket) -> None:
    connection.sendall(request("/sign-in/", "Content-Length: 1000", method="POST") + b"person=")


def _asks_and_waits(connection: socket.socket) -> None:
    connection.sendall(request("/healthz"))


@contextlib.contextmanager
def attacked(served: Served, attack: Attack, count: int) -> Iterator[list[socket.socket]]:
    connections = [served.connect() for _ in range(count)]
    try:
        for connection in connections:
            attack(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def p95(ada: requests.Session, address: str) -> float:
    """Return how long a cached page takes to all but the slowest viewers."""
    taken = []
    for _ in range(40):
        began = time.monotonic()
        assert ada.get(address, timeout=30).status_code == 200
        taken.append(time.monotonic() - began)
    return statistics.quantiles(taken, n=20)[-1]


@pytest.mark.parametrize(
    ("attack", "count"),
    [(_sends_nothing, 500), (_sends_half_a_head, 200), (_sends_half_a_body, 200), (_asks_and_waits, 300)],
)
def test_others_are_served_as_before(
    served: Served, ada: requests.Session, attack: Attack, count: int
) -> None:
    address = served.url + HISTORY
    quiet = p95(ada, address)

    with attacked(served, attack, count):
        besieged = p95(ada, address)

    # Twice as long, and what a busy machine of a developer adds.
    assert besieged < 2 * quiet + 0.25


def test_who_reads_no_answer_holds_up_nobody(served: Served, ada: requests.Session) -> None:
    address = served.url + HISTORY
    quiet = p95(ada, address)
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ada.cookies)
    connections = []
    for _ in range(80):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(request(f"{BULK}backups.csv", f"Cookie: {cookie}"))
        connections.append(connection)
    try:
        besieged = p95(ada, address)
    finally:
        for connection in connections:
            connection.close()

    # Making eighty exports costs what it costs; but no thread waits for a reader.
    assert besieged < 2 * quiet + 3


def test_idle_and_slow_connections_are_let_go(served: Served) -> None:
    with attacked(served, _sends_nothing, 3) as idle, attacked(served, _sends_half_a_head, 3) as slow:
        began = time.monotonic()
        for connection in (*idle, *slow):
            connection.settimeout(LIMITS["channel_timeout"] + 15)
            # Some are told why.
            assert b"200" not in connection.recv(1000)
        taken = time.monotonic() - began

    assert taken < LIMITS["channel_timeout"] + 10


def test_few_bodies_may_be_on_their_way_at_once(served: Served) -> None:
    # A worker each, so that some of them meet.
    with attacked(served, _sends_half_a_body, 4 * BODIES_OF_ONE_ADDRESS) as connections:
        refused = 0
        for connection in connections:
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                refused += status_of(connection.recv(1000)) == 503
        assert refused >= 2 * BODIES_OF_ONE_ADDRESS

    ends = time.monotonic() + 10
    while served.signed_in() is None:  # once they are gone, forms are taken again
        assert time.monotonic() < ends
