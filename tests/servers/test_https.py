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
from .served import Served, browser, environment_of, serving

HOST = "backups.example.com"
HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"


@pytest.fixture(scope="module")
def company() -> Iterator[openid.OpenId]:
    with openid.running() as provider:
        yield provider


@pytest.fixture(scope="module")
def production(
    _emulator_and_address: tuple[Emulator, str],
    company: openid.OpenId,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    emulator, endpoint = _emulator_and_address
    environment = environment_of(
        emulator,
        endpoint,
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

    def get(self, link: str, **headers: str) -> requests.Response:
        return self._kept(self.server.get(link, headers=self._sent(headers)))

    def post(self, link: str, page: requests.Response, **fields: str) -> requests.Response:
        """Send a form of this page."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(.*?)"', page.text)
        assert token, page.text
        headers = self._sent({"Origin": f"https://{HOST}"})
        return self._kept(
            browser().post(
                self.server.url + link,
                {"csrfmiddlewaretoken": token[1], **fields},
                headers=headers,
                allow_redirects=False,
                timeout=30,
            )
        )

    def _sent(self, headers: dict[str, str]) -> dict[str, str]:
        sent = {"Host": HOST, "X-Forwarded-For": "203.0.113.7", **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return sent

    def _kept(self, response: requests.Response) -> requests.Response:
        for line in response.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response


@pytest.fixture
def viewer(production: Served) -> Viewer:
    return Viewer(production)


def signed_in(viewer: Viewer, link: str) -> requests.Response:
    """Walk from a link to the provider and back; return the page on which that ends."""
    address = viewer.get(viewer.get(link).headers["Location"]).headers["Location"]
    at_provider = viewer.get(address).headers["Location"]
    back = urlsplit(browser().get(at_provider, allow_redirects=False, timeout=10).headers["Location"])
    assert (back.scheme, back.netloc) == ("https", HOST)
    landed = viewer.get(f"{back.path}?{back.query}")
    assert landed.headers["Location"] == link
    return viewer.get(link)


def test_a_viewer_comes_in_from_a_link_and_every_step_is_for_https(viewer: Viewer) -> None:
    page = signed_in(viewer, f"{HISTORY}?status=failed")

    assert page.status_code == 200
    assert "orders-cache" in page.text
    assert "__Host-portal_session" in viewer.cookies
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_other_host_and_no_plain_page_can_set_a_cookie_of_the_portal(viewer: Viewer) -> None:
    page = signed_in(viewer, HISTORY)
    viewer.get(f"{HISTORY}ticket/?text=plain")
    viewer.post("/preferences/", page, theme="dark", zone="UTC", language="en")
    for _ in range(2):
        viewer.post(f"{HISTORY}refresh/", page)

    assert {re.sub("^__Host-(portal_|sso-.*)", "", name) for name in viewer.cookies} == {
        "",  # of the sign-in
        "session",
        "csrf",
        "recent",
        "ticket",
        "theme",
        "zone",
        "language",
        "just_read",
    }


def test_signed_out_every_link_leads_to_the_sign_in_once(viewer: Viewer) -> None:
    for link in ("/", HISTORY, f"{HISTORY}backups.csv"):
        away = viewer.get(link)
        assert away.status_code == 302
        assert away.headers["Location"].startswith("/sign-in/?next=")


def test_health_and_metrics_answer_by_the_machine_s_own_address(production: Served) -> None:
    own = {"Host": f"127.0.0.1:{production.port}"}

    assert production.get("/healthz", headers=own).text == "ok"
    assert production.get("/readyz", headers=own).json()["ready"]
    assert production.get("/metrics", headers=own).status_code == 401
    token = {"Authorization": "Bearer a-token-for-prometheus"}
    assert "dcs_portal_sign_ins_total" in production.get("/metrics", headers=own | token).text
    assert production.get("/", headers=own).status_code == 400


def test_files_are_kept_for_ever_and_have_the_security_headers(viewer: Viewer) -> None:
    page = viewer.get("/signed-out/").text
    files = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))

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
        "/static/",
    ],
)
def test_no_other_file_is_given_out(production: Served, path: str) -> None:
    # requests would tidy the path up.
    with production.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 "), answer[:100]


def test_the_address_of_the_viewer_is_in_the_audit(production: Served, viewer: Viewer) -> None:
    signed_in(viewer, "/")

    (*_, event) = [event for event in production.events if event.get("event") == "sign-in"]
    assert event["from"] == "203.0.113.7"


def test_no_line_of_the_logs_holds_a_secret(production: Served, viewer: Viewer, emulator: Emulator) -> None:
    signed_in(viewer, HISTORY)
    text = "\n".join(production.logs)

    cookies = list(filter(None, viewer.cookies.values()))  # the one of the sign-in is gone
    assert "__Host-portal_session" in viewer.cookies
    for secret in (*cookies, openid.CLIENT_SECRET, emulator.fleet.primary.sk, "an-access-token"):
        assert secret not in text
    assert production.errors == []
