"""The portal as production has it: https in front of it, the company's sign-in, files kept for ever."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID

from ..sso import openid
from .conftest import METRICS_TOKEN, Production
from .nginx import HOST
from .served import token_of

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


def test_a_viewer_comes_in_from_a_link_and_no_other_host_and_no_plain_page_can_set_a_cookie(
    production: Production,
) -> None:
    session = production.nginx.browser()
    names: set[str] = set()

    def collect(answer: requests.Response, **options: Any) -> None:
        for line in answer.raw.headers.getlist("Set-Cookie"):
            names.update(SimpleCookie(line))

    session.hooks["response"].append(collect)
    page = session.get(f"{production.url}{HISTORY}?status=failed")
    assert (page.status_code, page.url) == (200, f"{production.url}{HISTORY}?status=failed")
    assert "orders-cache" in page.text
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"

    session.get(f"{production.url}{HISTORY}ticket/?text=plain")
    form = {"csrfmiddlewaretoken": token_of(page)}
    origin = {"Origin": production.url}
    chosen = form | {"theme": "dark", "zone": "UTC", "language": "en"}
    session.post(f"{production.url}/preferences/", chosen, headers=origin)
    for _ in range(2):
        session.post(f"{production.url}{HISTORY}refresh/", form, headers=origin)

    own = {re.sub("^__Host-(portal_|sso-.*)", "", name) for name in names}
    assert own - {""} == {  # one is of the sign-in
        *("session", "csrf", "recent", "ticket", "theme", "zone", "language", "just_read")
    }


def test_health_and_metrics_answer_by_the_machine_s_own_address(production: Production) -> None:
    server = production.servers[0]

    assert server.get("/healthz").text == "ok"
    assert server.get("/readyz").json()["ready"]
    assert server.get("/metrics").status_code == 401
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert "dcs_portal_sign_ins_total" in server.get("/metrics", headers=token).text
    assert server.get("/", headers={"Host": "backups.example.com"}).status_code == 400


def test_files_are_kept_for_ever_and_have_the_security_headers(production: Production) -> None:
    viewer = production.nginx.browser()
    files = set(
        re.findall(r'(?:href|src)="(/static/[^"#]+)', viewer.get(f"{production.url}/signed-out/").text)
    )

    assert len(files) >= 4
    for file in files:
        response = viewer.get(production.url + file)
        assert response.status_code == 200, file
        headers = response.headers
        assert "immutable" in headers["Cache-Control"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"]
        assert "default-src 'self'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2f..%2fsecret-key",
        "/static//etc/passwd",
    ],
)
def test_no_other_file_is_given_out(production: Production, path: str) -> None:
    # requests would tidy the path up.
    with production.servers[0].connect() as connection:
        host = f"{HOST}:{production.nginx.https}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 "), answer[:100]


def test_the_log_names_who_signed_in_from_where_and_no_secret(
    production: Production, emulator: Emulator
) -> None:
    session = production.signed_in(HISTORY)

    events = [event for server in production.servers for event in server.events]
    assert {event["from"] for event in events if event.get("event") == "sign-in"} == {"127.0.0.1"}
    cookies = {cookie.name: str(cookie.value) for cookie in session.cookies}
    assert "__Host-portal_session" in cookies
    text = "\n".join(line for server in production.servers for line in server.logs)
    for secret in (*cookies.values(), openid.CLIENT_SECRET, emulator.fleet.primary.sk, "an-access-token"):
        assert secret not in text
    assert [server.errors for server in production.servers] == [[], []]
