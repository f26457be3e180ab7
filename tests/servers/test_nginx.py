"""docs/nginx.conf in front of two servers, as docs/deploying.md has it, with TLS that ends there."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID

from .conftest import Production
from .nginx import HOST
from .served import ROOT, token_of, wait_for

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


def test_viewers_come_in_by_https_and_stay_there_with_links_of_eight_kilobytes(
    production: Production,
) -> None:
    nginx = production.nginx
    plain = nginx.browser().get(f"http://{HOST}:{nginx.http}{HISTORY}?q=a%20b", allow_redirects=False)
    assert plain.headers["Location"] == f"{nginx.url}{HISTORY}?q=a%20b"

    link = f"{nginx.url}{HISTORY}?q=" + "%E5%A4%87" * 890
    page = nginx.browser().get(link)  # by way of the provider
    assert page.url == link
    assert "DCS backups" in page.text  # the portal has seen it, whatever it says of so long a search


def test_the_portal_knows_the_viewer_s_address_and_the_request_s_id_from_nginx(
    production: Production,
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "forged-forged"}

    id = production.signed_in().get(production.url + HISTORY, headers=forged).headers["X-Request-ID"]

    assert re.fullmatch(r"[0-9a-f]{32}", id)  # nginx's own form

    def addresses() -> set[str]:
        events = [event for server in production.servers for event in server.events]
        return {event["from"] for event in events if event.get("request_id") == id and "from" in event}

    wait_for(addresses)
    assert addresses() == {"127.0.0.1"}


def test_what_machines_ask_is_not_open_to_the_world(production: Production) -> None:
    nginx = production.nginx

    for path in ("/metrics", "/metrics/instances", "/static/..%2fmetrics", "/readyz"):
        assert nginx.browser().get(nginx.url + path).status_code == 404
    assert nginx.browser().get(f"{nginx.url}/healthz").status_code == 200
    for server in production.servers:
        assert server.get("/readyz").json()["ready"]


def test_exports_and_files_come_through_whole(production: Production) -> None:
    address, session = production.url, production.signed_in()

    export = session.get(f"{address}/projects/eu-prod/instances/{BULK_HISTORY_ID}/backups.csv")
    assert len(export.text.splitlines()) == 10_001
    for file in set(re.findall(r'(?:href|src)="(/static/[^"#]+)', session.get(address + HISTORY).text)):
        answer = session.get(address + file, headers={"Accept-Encoding": "br, gzip"}, stream=True)
        assert (answer.status_code, bool(answer.raw.read())) == (200, True)
        if file.endswith((".css", ".js")):
            assert answer.headers.get("Content-Encoding") == "br"


def test_too_much_is_refused_before_the_portal_sees_it(production: Production) -> None:
    nginx = production.nginx

    assert nginx.browser().post(f"{nginx.url}/sign-in/", data=b"x" * 100_000).status_code == 413
    assert nginx.browser().get(f"{nginx.url}/find/?q={'a' * 70_000}").status_code == 414
    assert nginx.browser().get(nginx.url, headers={"X-Long": "a" * 70_000}).status_code == 400


def test_who_asks_without_end_is_refused_and_nobody_else_of_the_same_address(production: Production) -> None:
    one, another, stranger = production.signed_in(), production.signed_in(), production.nginx.browser()
    address = f"{production.url}/healthz"  # which costs the portal next to nothing

    answered = next(number for number in range(5000) if one.get(address).status_code == 429)

    assert answered > 200
    assert {session.get(address).status_code for session in (another, stranger) for _ in range(50)} == {200}
    assert one.get(f"{production.url}/static/nothing").status_code == 404  # files are not counted


def test_slow_clients_wait_at_nginx_and_even_forms_go_on(production: Production) -> None:
    nginx = production.nginx
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    half_a_head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: "
    half_a_body = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nperson="
    with ExitStack() as stack:
        for number in range(200):
            raw = socket.create_connection(("127.0.0.1", nginx.https), timeout=30)
            connection = stack.enter_context(context.wrap_socket(raw, server_hostname=HOST))
            connection.sendall((half_a_head, half_a_body)[number % 2])
        session = production.signed_in(HISTORY)
        form = {"csrfmiddlewaretoken": token_of(session.get(nginx.url)), "theme": "dark"}
        answer = session.post(f"{nginx.url}/preferences/", form, headers={"Referer": f"{nginx.url}/"})
        assert answer.status_code == 200


def test_while_one_server_is_replaced_no_viewer_notices(production: Production) -> None:
    sessions = [production.signed_in() for _ in range(2)]
    seen: Counter[int] = Counter()
    leave = threading.Event()

    def look(session: requests.Session) -> None:
        while not leave.is_set():
            seen[session.get(production.url + HISTORY, timeout=60).status_code] += 1
            leave.wait(0.05)  # a script would be told to ask less often

    with ThreadPoolExecutor(2) as pool:
        viewers = [pool.submit(look, session) for session in sessions]
        wait_for(lambda: seen.total() > 20)
        production.replace_the_first()
        until = seen.total() + 40
        wait_for(lambda: seen.total() > until)
        leave.set()
        for viewer in viewers:
            viewer.result()

    assert set(seen) == {200}


# --- systemd ---------------------------------------------------------------------


@pytest.mark.needs("systemd-analyze", "systemd")
def test_the_unit_of_systemd_is_one_and_runs_the_commands_of_run(tmp_path: Path) -> None:
    unit = (ROOT / "docs" / "portal.service").read_text()
    commands = re.findall(r"^Exec(?:Start|Reload)=(.*)$", unit, flags=re.MULTILINE)
    file = tmp_path / "dcs-backups.service"
    here = unit.replace("/srv/dcs-backups", str(ROOT))
    file.write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", here, flags=re.MULTILINE))

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", file],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"},
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert [command.removeprefix("/srv/dcs-backups/") for command in commands] == [
        "run serve --bind 127.0.0.1:8000 --workers 2",
        "run manage check --deploy --fail-level ERROR",
        "/bin/kill -HUP $MAINPID",
    ]
