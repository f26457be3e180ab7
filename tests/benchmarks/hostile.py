"""How long viewers of a cached history wait while others do the server ill: directly, and behind nginx.

Quiet seconds and those of a siege come in turns. Besiegers and viewers are on the machine that they burden.
The identity provider sends a byte a second, so that every sign-in that begins waits for it.
"""

from __future__ import annotations

import shutil
import socketserver
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..servers.nginx import HOST, Nginx
from .besiegers import SIEGES
from .effort import Effort
from .load import percentile
from .portal import Server, history, production, serving
from .processes import HOST as LOOPBACK
from .processes import Child, clean_environment, free_port
from .report import Column, Results, Table, Target
from .upstream import Upstream

WORKERS = 2
HISTORY = "records-1000-besieged"
# Somebody looks at it so often, over a few connections.
EVERY, CONNECTIONS = 0.1, 4
ALL = "all of these at once"
NO_NGINX = "install the Debian package nginx"
Row = dict[str, Any]


@dataclass(frozen=True)
class Door:
    """Where the portal is asked: by its own port, or by that of an nginx before it."""

    name: str
    server: Server
    port: int
    tls: bool

    def headers(self) -> dict[str, str]:
        host = {"Host": f"{HOST}:{self.port}"} if self.tls else {}
        return self.server.headers() | host


@dataclass
class Siege:
    """Viewers' p95 in each round, and what that cost, in quiet and besieged."""

    door: str
    name: str
    quiet: list[float] = field(default_factory=list)
    besieged: list[float] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=lambda: {"quiet": 0.0, "besieged": 0.0, "besiegers": 0.0})

    @property
    def ratio(self) -> float:
        """Of medians: what else the machine does for a moment spoils one round, not the others."""
        return statistics.median(self.besieged) / statistics.median(self.quiet)


def measure(effort: Effort) -> Results:
    found: list[Siege] = []
    with (
        TemporaryDirectory(prefix="portal-hostile-") as folder,
        Upstream() as upstream,
        _dripping_provider() as provider,
        Child(f"{__package__}.load", environment=clean_environment()) as load,
        Child(f"{__package__}.besiegers", environment=clean_environment()) as besiegers,
    ):
        for opened in (_direct, _behind_nginx):
            place = Path(folder, opened.__name__)
            place.mkdir()
            with opened(place, upstream, provider) as door:
                if door:
                    found += _Besieged(door, load, besiegers, effort).run()
    return Results([_table(found, effort)], _targets(found))


class _Dripping(socketserver.BaseRequestHandler):
    """Answers with a header that never ends, a byte a second."""

    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                self.request.sendall(b"a")
                time.sleep(1)


@contextmanager
def _dripping_provider() -> Iterator[str]:
    with socketserver.ThreadingTCPServer((LOOPBACK, 0), _Dripping) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def _direct(folder: Path, upstream: Upstream, provider: str) -> Iterator[Door | None]:
    port = free_port()
    environment = production(folder, upstream, port, SSO_ISSUER=provider)
    with serving(folder, port, environment, workers=WORKERS, viewers=2) as server:
        yield Door("directly", server, port, tls=False)


@contextmanager
def _behind_nginx(folder: Path, upstream: Upstream, provider: str) -> Iterator[Door | None]:
    if shutil.which("nginx") is None:
        yield None
        return
    for place in (folder.parent, folder):  # nginx gives up its rights
        place.chmod(0o755)
    port = free_port()
    nginx = Nginx(folder, [port])
    url = f"https://{HOST}:{nginx.https}"
    changes = {"PORTAL_URL": url, "TRUSTED_PROXIES": LOOPBACK, "SSO_ISSUER": provider}
    environment = production(folder, upstream, port, **changes)
    try:
        with serving(folder, port, environment, workers=WORKERS, viewers=2) as server:
            yield Door("behind nginx", server, nginx.https, tls=True)
    finally:
        nginx.stop()


@dataclass
class _Besieged:
    door: Door
    load: Child
    besiegers: Child
    effort: Effort

    def run(self) -> list[Siege]:
        sieges = {name: Siege(self.door.name, name) for name in (*SIEGES, ALL)}
        self._p95(1.0)  # until both workers have the history
        for _ in range(self.effort.hostile_rounds):
            for name, siege in sieges.items():
                self._round(siege, list(SIEGES) if name == ALL else [name])
        return list(sieges.values())

    def _round(self, siege: Siege, names: list[str]) -> None:
        seconds, server = self.effort.hostile_seconds, self.door.server
        before = server.cpu
        siege.quiet.append(self._p95(seconds))
        siege.cpu["quiet"] += server.cpu - before
        order = {
            "port": self.door.port,
            "tls": self.door.tls,
            "host": f"{HOST if self.door.tls else LOOPBACK}:{self.door.port}",
            "cookie": server.cookies[1],
            "sieges": names,
            "seconds": seconds,
        }
        self.besiegers.ask(order)  # answered once all have come
        before = server.cpu
        siege.besieged.append(self._p95(seconds))
        siege.cpu["besieged"] += server.cpu - before
        fared = self.besiegers.answer()
        siege.told.update(fared["told"])
        siege.cpu["besiegers"] += fared["cpu"]
        siege.seconds += seconds

    def _p95(self, seconds: float) -> float:
        told = self.load.ask(
            {
                "port": self.door.port,
                "tls": self.door.tls,
                "path": history(HISTORY),
                "headers": [self.door.headers()],
                "status": 200,
                "connections": CONNECTIONS,
                "every": EVERY,
                "seconds": seconds,
            }
        )
        return percentile([look["waited"] for look in told["samples"]], 0.95)


# What came of it ----------------------------------------------------------------


def _table(found: list[Siege], effort: Effort) -> Table:
    rows = [_row(siege) for siege in found]
    columns = (
        Column("door", "asked"),
        Column("siege", "besieged by"),
        Column("quiet", "p95 in quiet", "ms"),
        Column("besieged", "p95 meanwhile", "ms"),
        Column("ratio", "quiet = 1", "x"),
        Column("workers_quiet", "cores of the workers, quiet", " "),
        Column("workers", "meanwhile", " "),
        Column("besiegers", "cores of the besiegers", " "),
        Column("fared", "how they fared"),
    )
    looks, rounds, seconds = CONNECTIONS / EVERY, effort.hostile_rounds, effort.hostile_seconds
    idle, half = SIEGES["idle"], SIEGES["half heads"]
    notes = (
        f"A cached history of 1,000 records, looked at {looks:.0f} times a second; {WORKERS} worker "
        f"processes. {rounds} rounds of {seconds:g} s in turns with quiet ones; medians of their p95.",
        f"{idle.many} connections that send nothing; {half.many} with half a head, or half a body; who is "
        f"let go comes again some {idle.pause:g} s later. Four at a time with request lines of 8 kB, headers "
        "of 1 MB, bodies without end, each twice a second. What they cost themselves is on the same machine.",
        f"{SIEGES['sign-ins'].many} at a time begin to sign in while the provider sends a byte a second; "
        f"{SIEGES['made-up ids'].many} at a time ask, with the account of one viewer, for instances that "
        "do not exist.",
    )
    return Table("Viewers while others do the server ill", columns, rows, notes)


def _row(siege: Siege) -> Row:
    return {
        "door": siege.door,
        "siege": siege.name,
        "quiet": statistics.median(siege.quiet),
        "besieged": statistics.median(siege.besieged),
        "ratio": siege.ratio,
        "workers_quiet": siege.cpu["quiet"] / siege.seconds,
        "workers": siege.cpu["besieged"] / siege.seconds,
        "besiegers": siege.cpu["besiegers"] / siege.seconds,
        "fared": ", ".join(f"{number} {what}" for what, number in siege.told.most_common()),
    }


def _targets(found: list[Siege]) -> list[Target]:
    targets = []
    for door in ("directly", "behind nginx"):
        ratios = [siege.ratio for siege in found if siege.door == door]
        targets.append(
            Target(
                f"viewers' p95 under the worst siege against quiet, {door}",
                max(ratios) if ratios else None,
                most=2,
                why=NO_NGINX,
            )
        )
    return targets
