"""Viewers who want one history at once, and who look at a cached one while others do the server ill."""

import shutil
import socket
import threading
import time
import uuid
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from tests.servers.nginx import Nginx
from tests.servers.served import free_port
from tests.sso import openid

from . import stub
from .report import Row
from .servers import history, temporary_folder
from .virtual_users import (
    CONNECTIONS,
    Viewer,
    against_quiet,
    look_regularly,
    percentile,
    side_by_side,
    visited,
)

LATENCY = 0.1
PAUSE = 0.5  # about what a page waits that asks for itself while its list is read
SIGN_INS, MADE_UP = 40, 64
CACHED = history("records-1000-looked-at")


def measure(effort):
    with ExitStack() as stack:
        port, upstream = free_port(), stack.enter_context(stub.running())
        settings, nginx = {"SSO_ISSUER": stack.enter_context(_dripping())}, None
        if shutil.which("nginx"):
            folder = Path(stack.enter_context(temporary_folder()))
            folder.chmod(0o755)  # it gives up its rights
            nginx = stack.enter_context(Nginx(folder, [port]))
            settings |= {"PORTAL_URL": nginx.url, "TRUSTED_PROXIES": "127.0.0.1"}
        count = max(2, effort.viewers)
        portal, crowd = stack.enter_context(visited(upstream.endpoint, count, port=port, **settings))
        rows = _crowd(crowd, upstream, effort)

        viewer, cookies = partial(Viewer, nginx.url if nginx else portal.url), [one.cookie for one in crowd]
        ratio = partial(_ratio, [viewer(cookies[0], port=port) for _ in range(CONNECTIONS)], effort)
        slow = f"{effort.idle} idle and {effort.half_sent} half-sent connections"
        rows.append(ratio(f"{slow}, bare", lambda: _slow_clients(port, effort)))
        if nginx:
            # nginx lets one session ask twenty times a second.
            https, proxied = nginx.https, [viewer(cookies[n % len(cookies)]) for n in range(CONNECTIONS)]
            rows.append(_ratio(proxied, effort, f"{slow}, nginx", lambda: _slow_clients(https, effort)))
        else:
            rows.append(Row(f"{slow}, nginx", None, why_not="nginx is not installed"))
        viewer = partial(viewer, port=port, patience=effort.seconds + 1)
        another = [viewer(cookies[1]) for _ in range(MADE_UP)]
        strangers = [viewer() for _ in range(SIGN_INS)]
        made_up, sign_in = (lambda: history(str(uuid.uuid4()))), (lambda: "/sso/start/?next=/")
        return [
            *rows,
            ratio(f"{MADE_UP} made-up ids at a time by another", lambda: _asking(another, made_up)),
            ratio(f"{SIGN_INS} sign-ins at a provider that drips", lambda: _asking(strangers, sign_in)),
        ]


# All at once -----------------------------------------------------------------


def _crowd(viewers, upstream, effort):
    """All want a history that nobody has read: while DCS is slow, and while it fails."""
    upstream.latency = LATENCY
    records = f"records-{effort.records}"
    [alone] = _arrive(viewers[:1], f"{records}-alone")
    cold = _arrive(viewers, f"{records}-cold")
    upstream.status = 500
    failed = _arrive(viewers, f"{records}-failing", until=503)
    upstream.status = 0
    assert all(b"data-backup-id=" in look.body for look in cold), {look.status for look in cold}
    assert {look.status for look in failed} == {503}
    walks = upstream.asked[f"{records}-cold", "walks"]
    calls = sum(count for (asked, _), count in upstream.asked.items() if asked == f"{records}-failing")
    return [
        Row(f"walks for {len(cold)} cold viewers, 2 processes", walks, "", most=1, least=1),
        Row("calls while DCS fails", calls, "", most=2),
        Row("cold viewers, p99, against one alone", percentile(cold, 0.99) / alone.seconds),
        Row("cold viewers, p99", percentile(cold, 0.99), "ms"),
        Row("viewers while DCS fails, p99", percentile(failed, 0.99), "ms"),
    ]


def _arrive(viewers, instance_id, *, until=200):
    """Let viewers ask at once, and again as their pages do while the list is being read."""

    def wait(number):
        began = time.monotonic()
        while True:
            look = viewers[number].get(history(instance_id), due=began)
            if (look.status == until and b'data-live="reading"' not in look.body) or look.seconds > 60:
                return [look]
            time.sleep(PAUSE)

    return side_by_side(wait, len(viewers))


# Beside others ---------------------------------------------------------------


def _ratio(viewers, effort, what, harm):

    def look():
        looks = look_regularly(viewers, [CACHED], effort.seconds)
        assert {one.status for one in looks} == {200}, what
        return looks

    return Row(f"viewers' p95 against quiet: {what}", against_quiet(look, harm, effort.rounds), most=2)


@contextmanager
def _slow_clients(port, effort):
    with ExitStack() as stack:
        for number in range(effort.idle + effort.half_sent):
            one = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
            if number >= effort.idle:
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
        yield


@contextmanager
def _asking(viewers, path):
    """Let others ask every two seconds, each at a time of its own, until the block is left."""
    over = threading.Event()

    def ask(number):
        over.wait(2.0 * number / len(viewers))
        while not over.is_set():
            viewers[number].get(path())
            over.wait(2.0)
        return []

    asking = threading.Thread(target=side_by_side, args=(ask, len(viewers)))
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


@contextmanager
def _dripping():
    """Serve an identity provider whose answer is a header that drips, byte by byte."""
    with openid.running() as company:
        company.drips = "/.well-known/openid-configuration", b"HTTP/1.1 200 OK\r\nX-Slow: "
        yield company.issuer
