"""Viewers who want one history at once, and who look at a cached one while others do the server ill."""

from __future__ import annotations

import shutil
import socket
import socketserver
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.nginx import Nginx
from tests.servers.served import free_port

from . import stub
from .report import Effort, Row
from .servers import history, production, served
from .virtual_users import CONNECTIONS, Look, Viewer, look_regularly, percentile, side_by_side

LATENCY = 0.1
PAUSE = 0.5  # about what a page waits that asks for itself while its list is read
SIGN_INS, MADE_UP = 40, 64
CACHED = history("records-1000-looked-at")


def measure(effort: Effort) -> list[Row]:
    with ExitStack() as stack:
        folder, port = Path(stack.enter_context(TemporaryDirectory(prefix="portal-bench-"))), free_port()
        upstream = stack.enter_context(stub.running())
        environment = production(folder, upstream.endpoint, port, SSO_ISSUER=stack.enter_context(_dripping()))
        nginx = None
        if shutil.which("nginx"):
            folder.chmod(0o755)  # it gives up its rights
            nginx = Nginx(folder, [port])
            stack.callback(nginx.stop)
            environment |= {"PORTAL_URL": nginx.url, "TRUSTED_PROXIES": "127.0.0.1"}
        _, cookies = stack.enter_context(served(environment, port, viewers=max(2, effort.viewers)))
        scene = _Scene(environment["PORTAL_URL"], port, cookies, upstream, effort)
        return [*scene.crowd(), *scene.beside_others(nginx)]


@dataclass
class _Scene:
    url: str
    port: int
    cookies: list[str]
    upstream: stub.Stub
    effort: Effort

    def viewer(self, number: int, **options: float) -> Viewer:
        return Viewer(self.url, self.cookies[number], port=self.port, **options)

    def crowd(self) -> list[Row]:
        """All want a history that nobody has read: while DCS is slow, and while it fails."""
        self.upstream.latency = LATENCY
        records, viewers, asked = f"records-{self.effort.records}", self.effort.viewers, self.upstream.asked
        [alone] = self._arrive(f"{records}-alone", 1)
        cold = self._arrive(f"{records}-cold", viewers)
        self.upstream.status = 500
        failed = self._arrive(f"{records}-failing", viewers, until=503)
        self.upstream.status = 0
        calls = sum(count for (instance_id, _), count in asked.items() if instance_id == f"{records}-failing")
        assert sum(b"data-backup-id=" in look.body for look in cold) == viewers, {
            look.status for look in cold
        }
        assert [look.status for look in failed] == [503] * viewers
        walks = asked[f"{records}-cold", "walks"]
        return [
            Row(f"walks for {viewers} cold viewers, 2 processes", walks, "", most=1, least=1),
            Row("calls while DCS fails", calls, "", most=2),
            Row("cold viewers, p99, against one alone", percentile(cold, 0.99) / alone.seconds),
            Row("cold viewers, p99", percentile(cold, 0.99), "ms"),
            Row("viewers while DCS fails, p99", percentile(failed, 0.99), "ms"),
        ]

    def _arrive(self, instance_id: str, count: int, *, until: int = 200) -> list[Look]:
        """Let viewers ask at once, and again as their pages do while the list is being read."""

        def wait(number: int) -> list[Look]:
            viewer, began = self.viewer(number), time.monotonic()
            while True:
                look = viewer.get(history(instance_id), due=began)
                if (look.status == until and b'data-live="reading"' not in look.body) or look.seconds > 60:
                    return [look]
                time.sleep(PAUSE)

        return side_by_side(wait, count)

    def beside_others(self, nginx: Nginx | None) -> list[Row]:
        slow = f"{self.effort.idle} idle and {self.effort.half_sent} half-sent connections"
        own = [self.viewer(0) for _ in range(CONNECTIONS)]
        rows = [self._ratio(f"{slow}, bare", own, partial(self._slow_clients, self.port))]
        if nginx:
            proxied = [Viewer(self.url, self.cookies[0]) for _ in range(CONNECTIONS)]
            rows.append(self._ratio(f"{slow}, nginx", proxied, partial(self._slow_clients, nginx.https)))
        else:
            rows.append(Row(f"{slow}, nginx", None, why_not="nginx is not installed"))
        for what, count, cookie, path in (
            (
                "made-up ids at a time by another viewer",
                MADE_UP,
                self.cookies[1],
                lambda: history(str(uuid.uuid4())),
            ),
            ("sign-ins at a provider that drips", SIGN_INS, "", lambda: "/sso/start/?next=/"),
        ):
            rows.append(self._ratio(f"{count} {what}", own, partial(self._asking, count, cookie, path)))
        return rows

    def _ratio(self, what: str, viewers: list[Viewer], harm: Callable[[], object]) -> Row:
        """Compare viewers' p95 in quiet with that while `harm()` is entered, in turns."""
        taken: dict[bool, list[float]] = {False: [], True: []}
        look_regularly(viewers, [CACHED], 1.0)
        for turn in range(2 * self.effort.rounds):
            with harm() if turn % 2 else nullcontext():  # type: ignore[attr-defined]
                looks = look_regularly(viewers, [CACHED], self.effort.seconds)
            assert {look.status for look in looks} == {200}, what
            taken[bool(turn % 2)].append(percentile(looks, 0.95))
        # What else the machine does for a moment spoils one round, not the others.
        ratio = statistics.median(taken[True]) / statistics.median(taken[False])
        return Row(f"viewers' p95 against quiet: {what}", ratio, most=2)

    @contextmanager
    def _slow_clients(self, port: int) -> Iterator[None]:
        with ExitStack() as stack:
            for number in range(self.effort.idle + self.effort.half_sent):
                one = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
                if number >= self.effort.idle:
                    one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
            yield

    @contextmanager
    def _asking(self, count: int, cookie: str, path: Callable[[], str]) -> Iterator[None]:
        """Let others ask at once, and again every two seconds until the block is left."""
        over = threading.Event()

        def ask() -> None:
            viewer = Viewer(self.url, cookie, port=self.port, patience=self.effort.seconds + 1)
            while not over.is_set():
                viewer.get(path())
                over.wait(2.0)

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


class _Drip(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                self.request.sendall(b"a")
                time.sleep(1)


@contextmanager
def _dripping() -> Iterator[str]:
    """Serve an identity provider whose answers are a header that never ends, a byte a second."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Drip) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
