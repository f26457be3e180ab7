"""Every address, signed in and out, asked and posted, right and wrong: the security headers and cookies."""

import re

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from backups.emulator.contract import REFERENCE_BACKUP_ID
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import MOST_UNKNOWN
from backups.services.listings.reader import wait_for_readers
from dcsportal.middleware import MACHINE_PATHS

ARGUMENTS = {
    "ending": "json",
    "project_name": "eu-prod",
    "instance_id": ORDERS_CACHE_ID,
    "backup_id": REFERENCE_BACKUP_ID,
    "rest": "eu-prod)",
}


def _patterns(resolver):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern


def addresses(**changes):
    """Each address of the portal with its name; a new kind of argument must be given a value above."""
    values = ARGUMENTS | changes
    for pattern in _patterns(get_resolver()):
        kwargs = {name: values[name] for name in pattern.pattern.converters}
        yield pattern.name, reverse(pattern.name, kwargs=kwargs)


WRONG = [
    "/no-such-page/",
    "/find/?" + "&".join(["a=1"] * 200),
    "/find/?q=" + "a" * 40_000,
    "/projects/no-such/",
    f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/?from=yesterday",
    "/projects/eu-prod/instances/00000000-0000-4000-8000-000000000000/",
    "/static/no-such.css",
    "/healthz/",
]
ADDRESSES = [*sorted({address for _, address in addresses()}), *WRONG]


def check(response):
    headers = response.headers
    # A page that DCS or a part of the portal holds up is an answer; one that it failed to make is none.
    assert response.status_code != 500
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    for name in ("Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"):
        assert headers[name] == "same-origin"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        assert f"{feature}=()" in headers["Permissions-Policy"]
    assert "private" in headers["Cache-Control"] or "no-store" in headers["Cache-Control"]
    assert re.fullmatch(r"[0-9a-f]{24}", headers["X-Request-ID"])
    if headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
        page = response.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=\"|javascript:", page)
    for cookie in response.cookies.values():
        assert cookie["samesite"] == "Lax"
        assert cookie["httponly"] or not cookie.value


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_has_the_headers(portal, client_of, client, address):
    ada = client_of("ada")
    for ask in (client.get, client_of("cleo").get, ada.get, ada.post, ada.head, ada.options, ada.put):
        check(ask(address))


def test_an_unchanged_answer_and_a_refusal_for_asking_often_have_them_too(within_one_minute, client_of):
    ada = client_of("ada")
    export = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/backups.json"
    ada.get(export)
    assert wait_for_readers()  # what is written behind the first view changes the tag once
    browser = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    tag = ada.get(export, headers=browser).headers["ETag"]  # of its compressed form
    unchanged = ada.get(export, headers=browser | {"If-None-Match": tag})
    unknown = "/projects/eu-prod/instances/unknown-{}/"
    for number in range(MOST_UNKNOWN):
        ada.get(unknown.format(number))
    refused = [ada.get(unknown.format("x")), ada.get(unknown.format("x") + "backups.json")]

    assert tag.startswith('W/"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert {response.status_code for response in refused} == {429}
    for response in (unchanged, *refused):
        check(response)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_foreign_host_gets_the_headers_too_and_nothing_else(db, client, address):
    response = client.get(address, headers={"Host": "evil.example"})

    is_for_machines = address in MACHINE_PATHS
    assert response.status_code in ((200, 403, 503) if is_for_machines else (400, 414))
    assert "evil.example" not in response.content.decode()
    check(response)


@pytest.fixture
def https(portal):
    """The portal as PORTAL_URL=https://testserver makes it, behind a proxy that ends TLS."""
    portal.PORTAL_URL = "https://testserver"
    portal.HTTPS = portal.SECURE_SSL_REDIRECT = True
    portal.SECURE_HSTS_SECONDS = 365 * 86_400
    portal.COOKIE_PREFIX = "__Host-"
    for name in ("SESSION", "CSRF"):
        setattr(portal, f"{name}_COOKIE_SECURE", True)
        setattr(portal, f"{name}_COOKIE_NAME", f"__Host-portal_{name.lower()}")
    return portal


@pytest.mark.parametrize("address", ADDRESSES)
def test_over_https_every_answer_says_so_and_no_page_redirects_to_itself(db, https, address):
    # The proxy speaks http with the portal, and need not even say that its viewers do not.
    response = Client().get(address)

    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    leads_to = response.headers.get("Location", "").partition("?")[0]
    assert leads_to.removeprefix("https://testserver") != address
    check(response)


def test_over_https_cookies_are_for_this_host_alone(db, https):
    client, instance = Client(), f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
    seen = [client.get("/sign-in/"), client.post("/sign-in/", {"person": "ada"})]
    seen.append(client.post("/preferences/", {"theme": "dark", "language": "en", "zone": "UTC"}))
    seen += [client.get(instance), client.get(f"{instance}ticket/?text=plain")]
    seen += [client.post(f"{instance}refresh/") for _ in range(2)]

    cookies = [cookie for one in seen for cookie in one.cookies.values()]
    assert {"__Host-portal_session", "__Host-portal_csrf"} <= {cookie.key for cookie in cookies}
    for cookie in cookies:
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
