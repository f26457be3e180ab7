"""docs/nginx.conf in front of two servers, as docs/deploying.md has it, with TLS that ends there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID

from .nginx import HOST, Nginx
from .served import ROOT, Served, environment_of, free_port, serving
from .test_hostile_clients import p95

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


@pytest.fixture(scope="module")
def behind(
    _emulator_and_address: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Nginx, list[Served]]]:
    """nginx, and two servers of one machine behind it."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is missing: install the Debian package nginx")
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    ports = [free_port(), free_port()]
    nginx = Nginx(folder, ports)
    environment = environment_of(
        *_emulator_and_address,
        DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}",
        PORTAL_URL=nginx.url,
        TRUSTED_PROXIES="127.0.0.1",
    )
    try:
        with serving(environment, port=ports[0]) as one, serving(environment, port=ports[1]) as other:
            yield nginx, [one, other]
    finally:
        nginx.stop()


def signed_in(nginx: Nginx) -> requests.Session:
    session = nginx.browser()
    form = session.get(f"{nginx.url}/sign-in/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(.*?)"', form.text)
    assert token, form.text
    fields = {"person": "ada", "next": HISTORY, "csrfmiddlewaretoken": token[1]}
    headers = {"Referer": f"{nginx.url}/sign-in/"}
    page = session.post(f"{nginx.url}/sign-in/", fields, headers=headers)
    assert page.status_code == 200, page.text
    assert page.url == nginx.url + HISTORY
    return session


Behind = tuple[Nginx, list[Served]]


def test_viewers_come_in_by_https_and_stay_there(behind: Behind) -> None:
    nginx, _ = behind
    plain = nginx.browser().get(f"http://{HOST}:{nginx.http}{HISTORY}?q=a%20b", allow_redirects=False)
    session = signed_in(nginx)

    assert plain.headers["Location"] == f"{nginx.url}{HISTORY}?q=a%20b"
    assert {cookie.name for cookie in session.cookies} >= {"__Host-portal_session", "__Host-portal_csrf"}
    assert session.get(nginx.url + HISTORY).headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_long_link_comes_through(behind: Behind) -> None:
    nginx, _ = behind
    link = f"{HISTORY}?q=" + "%E5%A4%87" * 890

    away = nginx.browser().get(nginx.url + link, allow_redirects=False)
    page = nginx.browser().get(nginx.url + away.headers["Location"])

    assert away.headers["Location"] == f"/sign-in/?next={quote(link, safe='/')}"
    assert link in page.text


def test_the_portal_knows_the_viewer_s_address_and_the_request_s_id_from_nginx(behind: Behind) -> None:
    nginx, servers = behind
    session = signed_in(nginx)

    response = session.get(
        nginx.url + HISTORY, headers={"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "forged-forged"}
    )

    id = response.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", id)  # nginx's own form
    events = [event for server in servers for event in server.events if event.get("request_id") == id]
    assert {event["from"] for event in events if "from" in event} == {"127.0.0.1"}


def test_what_machines_ask_is_not_open_to_the_world(behind: Behind) -> None:
    nginx, servers = behind

    assert nginx.browser().get(f"{nginx.url}/metrics").status_code == 404
    assert nginx.browser().get(f"{nginx.url}/readyz").status_code == 404
    assert nginx.browser().get(f"{nginx.url}/healthz").status_code == 200
    for server in servers:
        assert server.get("/readyz").json()["ready"]


def test_exports_and_files_come_through_whole(behind: Behind) -> None:
    nginx, _ = behind
    session = signed_in(nginx)
    bulk = f"{nginx.url}/projects/eu-prod/instances/{BULK_HISTORY_ID}/"

    as_json = session.get(f"{bulk}backups.json").json()
    lines = session.get(f"{bulk}backups.csv").text.splitlines()
    page = session.get(nginx.url + HISTORY).text

    assert as_json["total"] == len(as_json["backups"]) == 10_000
    assert len(lines) == 10_001
    for file in set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page)):
        assert session.get(nginx.url + file).status_code == 200


def test_too_much_is_refused_before_the_portal_sees_it(behind: Behind) -> None:
    nginx, _ = behind

    assert nginx.browser().post(f"{nginx.url}/sign-in/", data=b"x" * 300_000).status_code == 413
    assert nginx.browser().get(f"{nginx.url}/find/?q={'a' * 70_000}").status_code == 414
    assert nginx.browser().get(nginx.url, headers={"X-Long": "a" * 70_000}).status_code == 400


def _half_a_head(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ")


def _half_a_body(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nperson=")


@pytest.mark.parametrize("attack", [_half_a_head, _half_a_body])
def test_slow_clients_wait_at_nginx_and_even_forms_go_on(
    behind: Behind, attack: Callable[[ssl.SSLSocket], None]
) -> None:
    nginx, _ = behind
    session = signed_in(nginx)
    quiet = p95(session, nginx.url + HISTORY)
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    connections = []
    for _ in range(200):
        raw = socket.create_connection(("127.0.0.1", nginx.https), timeout=30)
        connections.append(context.wrap_socket(raw, server_hostname=HOST))
        attack(connections[-1])
    try:
        besieged = p95(session, nginx.url + HISTORY)
        signed_in(nginx)
    finally:
        for connection in connections:
            connection.close()

    assert besieged < 2 * quiet + 0.25


def test_while_one_server_is_replaced_no_viewer_notices(behind: Behind, emulator: Emulator) -> None:
    """As an upgrade does it: one server after the other is stopped and started again."""
    nginx, (one, _) = behind
    session = signed_in(nginx)
    seen: Counter[int] = Counter()
    leave = threading.Event()

    def look() -> None:
        own = nginx.browser()
        own.cookies = session.cookies
        while not leave.is_set():
            seen[own.get(nginx.url + HISTORY, timeout=60).status_code] += 1

    viewers = [threading.Thread(target=look) for _ in range(4)]
    for viewer in viewers:
        viewer.start()
    try:
        _wait(lambda: seen.total() > 20)
        assert one.stop() == 0
        until = seen.total() + 60
        _wait(lambda: seen.total() > until)
    finally:
        leave.set()
        for viewer in viewers:
            viewer.join()

    assert set(seen) == {200}


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


# --- systemd ---------------------------------------------------------------------


@pytest.mark.needs("systemd-analyze", "systemd")
def test_the_unit_of_systemd_is_one(tmp_path: Path) -> None:
    unit = (ROOT / "docs" / "portal.service").read_text().replace("/srv/dcs-backups", str(ROOT))
    file = tmp_path / "dcs-backups.service"
    file.write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", unit, flags=re.MULTILINE))

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True, check=False,
        env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip

    assert (result.returncode, result.stderr) == (0, "")


def test_the_unit_s_commands_are_those_of_run() -> None:
    unit = (ROOT / "docs" / "portal.service").read_text()
    commands = re.findall(r"^Exec(?:Start|Reload)=(.*)$", unit, flags=re.MULTILINE)

    assert [command.removeprefix("/srv/dcs-backups/") for command in commands] == [
        "run serve --bind 127.0.0.1:8000 --workers 2",
        "run manage check --deploy --fail-level ERROR",
        "/bin/kill -HUP $MAINPID",
    ]
