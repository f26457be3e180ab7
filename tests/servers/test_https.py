"""The portal as production has it: https in front of it, the company's sign-in, files kept for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
import requests

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID

from ..sso import openid
from .served import Served, browser, environment_of, serving, token_of

HOST = "backups.example.com"
HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


@pytest.fixture(scope="module")
def production(
    _emulator_and_address: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    with openid.running() as company:
        environment = environment_of(
            *_emulator_and_address,
            DATABASE_URL=f"sqlite:///{tmp_path_factory.mktemp('production') / 'portal.sqlite3'}",
            DCS_DEMO="off",
            DCS_PROJECT_GROUPS="dcs-all",
            PORTAL_URL=f"https://{HOST}",
            TRUSTED_PROXIES="127.0.0.1",
            METRICS_TOKEN="a-token-for-prometheus",
            SSO_ISSUER=company.issuer,
            SSO_CLIENT_ID=openid.CLIENT_ID,
            SSO_CLIENT_SECRET=openid.CLIENT_SECRET,
        )
        with serving(environment) as server:
            yield server


class Viewer:
    """A browser behind the proxy, which ends TLS: it keeps cookies that plain http would not send."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, link: str, **fields: str) -> requests.Response:
        headers = {"Host": HOST, "X-Forwarded-For": "203.0.113.7", "Origin": f"https://{HOST}"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = self.server.url + link
        answer = browser().request(
            method, url, data=fields, headers=headers, allow_redirects=False, timeout=30
        )
        for line in answer.raw.headers.getlist("Set-Cookie"):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer

    def get(self, link: str) -> requests.Response:
        return self.ask("GET", link)

    def sign_in(self, link: str) -> requests.Response:
        """Walk from a link to the provider and back; return the page on which that ends."""
        address = self.get(self.get(link).headers["Location"]).headers["Location"]
        at_provider = self.get(address).headers["Location"]
        back = urlsplit(browser().get(at_provider, allow_redirects=False, timeout=10).headers["Location"])
        assert (back.scheme, back.netloc) == ("https", HOST)
        assert self.get(f"{back.path}?{back.query}").headers["Location"] == link
        return self.get(link)


@pytest.fixture
def viewer(production: Served) -> Viewer:
    return Viewer(production)


def test_a_viewer_comes_in_from_a_link_and_no_other_host_and_no_plain_page_can_set_a_cookie(
    viewer: Viewer,
) -> None:
    page = viewer.sign_in(f"{HISTORY}?status=failed")
    assert page.status_code == 200
    assert "orders-cache" in page.text
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"

    token = token_of(page)
    viewer.get(f"{HISTORY}ticket/?text=plain")
    viewer.ask("POST", "/preferences/", csrfmiddlewaretoken=token, theme="dark", zone="UTC", language="en")
    for _ in range(2):
        viewer.ask("POST", f"{HISTORY}refresh/", csrfmiddlewaretoken=token)

    own = {re.sub("^__Host-(portal_|sso-.*)", "", name) for name in viewer.cookies}
    assert own - {""} == {  # one is of the sign-in
        *("session", "csrf", "recent", "ticket", "theme", "zone", "language", "just_read")
    }


def test_health_and_metrics_answer_by_the_machine_s_own_address(production: Served) -> None:
    own = {"Host": f"127.0.0.1:{production.port}"}

    assert production.get("/healthz", headers=own).text == "ok"
    assert production.get("/readyz", headers=own).json()["ready"]
    assert production.get("/metrics", headers=own).status_code == 401
    token = {"Authorization": "Bearer a-token-for-prometheus"}
    assert "dcs_portal_sign_ins_total" in production.get("/metrics", headers=own | token).text
    assert production.get("/", headers=own).status_code == 400


def test_files_are_kept_for_ever_and_have_the_security_headers(viewer: Viewer) -> None:
    files = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', viewer.get("/signed-out/").text))

    assert len(files) >= 4
    for file in files:
        response = viewer.get(file)
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
def test_no_other_file_is_given_out(production: Served, path: str) -> None:
    # requests would tidy the path up.
    with production.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 "), answer[:100]


def test_the_log_names_the_viewer_s_address_and_no_secret(
    production: Served, viewer: Viewer, emulator: Emulator
) -> None:
    viewer.sign_in(HISTORY)

    (*_, event) = [event for event in production.events if event.get("event") == "sign-in"]
    assert event["from"] == "203.0.113.7"
    cookies = list(filter(None, viewer.cookies.values()))  # the one of the sign-in is gone
    assert "__Host-portal_session" in viewer.cookies
    text = "\n".join(production.logs)
    for secret in (*cookies, openid.CLIENT_SECRET, emulator.fleet.primary.sk, "an-access-token"):
        assert secret not in text
    assert production.errors == []
