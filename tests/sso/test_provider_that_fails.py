"""The company's provider refuses, is down, hangs or drips: the link stays, and few wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import pytest
import requests
from django.contrib.sessions.models import Session
from django.test import Client
from joserfc.jwk import RSAKey

from dcsportal.sso import provider as portals_provider

from .conftest import HARD_LINK, at_provider, get, signed_in, to_provider, tried_again

ANNOUNCEMENT = "/.well-known/openid-configuration"

pytestmark = pytest.mark.usefixtures("sso")


# --- It refuses, or is down ------------------------------------------------------


REFUSALS = {"access_denied": 403, "server_error": 503, "temporarily_unavailable": 503, "invalid_scope": 400}


@pytest.mark.parametrize(("code", "status"), [*REFUSALS.items(), ("<script>", 400)])
def test_an_error_of_the_provider_is_a_page_whose_way_on_leads_to_the_link(client, company, code, status):
    company.answer = code

    page = signed_in(client, HARD_LINK)

    assert page.status_code == status
    assert not any(markup in page.content.decode() for markup in ("<script>", "<b>no</b>"))
    assert not Session.objects.exists()
    assert tried_again(client, page, company) == HARD_LINK


def test_a_wrong_secret_is_told_as_the_portals_own_fault(client, sso):
    sso.SSO_CLIENT_SECRET = "wrong"

    page = signed_in(client)

    assert page.status_code == 503
    assert "refused the portal" in page.content.decode()


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://sso.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"padding": "a" * portals_provider.LONGEST_BODY},
    ],
)
def test_a_provider_that_announces_nonsense_is_not_used(client, company, metadata):
    company.metadata = metadata

    assert get(client, "/sso/start/?next=/").status_code == 503


DRIPS = [
    b"HTTP/1.1 200 O",
    b"HTTP/1.1 200 OK\r\nX-Long: ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 99999\r\n\r\n",
]


@pytest.mark.parametrize(
    "harm",
    [
        *({"down": path} for path in ("/token", "/keys", "all")),
        # No read of the socket is slow, and the answer would be under way for a minute.
        *({"drips": ("/token", start)} for start in DRIPS),
        *({"drips": (path, DRIPS[2])} for path in (ANNOUNCEMENT, "/keys", "/userinfo")),
    ],
)
def test_a_provider_that_fails_at_the_callback_is_given_up_and_the_link_kept(
    client, company, monkeypatch, harm
):
    monkeypatch.setattr(portals_provider, "TIMEOUT", 0.5)
    company.changes = {"groups": None}  # so that userinfo is asked
    callback = at_provider(to_provider(client, HARD_LINK))
    portals_provider.forget_providers()
    vars(company).update(harm)

    page = get(client, callback)

    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert tried_again(client, page, company) == HARD_LINK


def test_nobody_is_sent_to_a_provider_that_went_down_and_the_link_is_kept(client, company, monkeypatch):
    to_provider(client, "/")
    monkeypatch.setattr(portals_provider, "FRESH", 0)
    company.down = "all"

    pages = [client.get("/sso/start/", {"next": HARD_LINK}) for _ in range(3)]

    assert [page.status_code for page in pages] == [503] * 3
    assert pages[0].headers["Retry-After"]
    assert tried_again(client, pages[0], company) == HARD_LINK


def test_a_provider_that_hangs_is_given_up_and_not_asked_again_at_once(client, company, monkeypatch):
    monkeypatch.setattr(portals_provider, "TIMEOUT", 0.3)
    monkeypatch.setattr(portals_provider, "FAILURE_PAUSE", 60)
    with hanging(company):
        pages = [get(client, "/sso/start/?next=/") for _ in range(5)]

    assert [page.status_code for page in pages] == [503] * 5
    assert company.calls[ANNOUNCEMENT] == 1


# --- Who waits -------------------------------------------------------------------


@pytest.fixture
def served(sso, live_server, monkeypatch):
    """A portal that many ask at once, and which is patient with its provider."""
    sso.PORTAL_URL = live_server.url
    monkeypatch.setattr(portals_provider, "TIMEOUT", 60)
    return live_server.url


@contextmanager
def hanging(company, path=""):
    company.hang, company.hangs = threading.Event(), path
    try:
        yield company.hang
    finally:
        company.hang.set()


@contextmanager
def asking(served, paths, browsers=None):
    """Ask for all of the paths at once, and yield the answers as they come."""
    with ThreadPoolExecutor(len(paths)) as pool:
        pairs = zip(paths, browsers or [Client()] * len(paths), strict=True)
        asks = [pool.submit(asked, served, path, browser) for path, browser in pairs]
        yield (ask.result() for ask in as_completed(asks, timeout=60))


def asked(served, path, browser):
    cookies = {name: cookie.value for name, cookie in browser.cookies.items()}
    return requests.get(served + path, cookies=cookies, allow_redirects=False, timeout=60)


def assert_others_are_answered(served, viewer):
    assert asked(served, "/healthz", Client()).status_code == 200
    assert asked(served, "/", viewer).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_newer_announcement_is_waited_for_by_one(client, company, served, monkeypatch):
    to_provider(client, "/")
    monkeypatch.setattr(portals_provider, "FRESH", 0)
    with hanging(company) as hang, asking(served, ["/sso/start/?next=/"] * 5) as answers:
        assert [next(answers).status_code for _ in range(4)] == [303] * 4
        hang.set()
        assert next(answers).status_code == 303
    assert company.calls[ANNOUNCEMENT] == 2


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_provider_that_hangs_are_few_and_others_are_told_at_once(client, company, served):
    signed_in(client)
    portals_provider.forget_providers()
    with hanging(company) as hang, asking(served, ["/sso/start/?next=/"] * 40) as answers:
        refused = [next(answers) for _ in range(40 - portals_provider.MOST_WAITING)]

        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["Retry-After"] for answer in refused)
        assert_others_are_answered(served, client)
        hang.set()
        assert {answer.status_code for answer in answers} == {303}
    assert company.calls[ANNOUNCEMENT] == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/token", "/keys", "/userinfo"])
def test_callbacks_that_wait_for_a_provider_that_hangs_are_few(client, company, served, path):
    company.changes = {"groups": None}
    signed_in(client)
    portals_provider.forget_providers()
    browsers = [Client() for _ in range(20)]
    callbacks = [at_provider(to_provider(browser, "/")) for browser in browsers]
    with hanging(company, path) as hang, asking(served, callbacks, browsers) as answers:
        refused = [next(answers) for _ in range(20 - portals_provider.MOST_CALLBACKS)]

        assert {answer.status_code for answer in refused} == {503}
        assert_others_are_answered(served, client)
        company.down = path
        hang.set()
        assert {answer.status_code for answer in answers} == {503}


# --- How often it is asked -------------------------------------------------------


def test_discovery_and_keys_are_read_once_for_many_sign_ins(company):
    for _ in range(4):
        assert signed_in(Client()).status_code == 303

    assert company.calls[ANNOUNCEMENT] == 1
    assert company.calls["/keys"] == 1
    assert company.calls["/userinfo"] == 0


def test_a_rotated_key_is_found_and_an_unknown_one_causes_no_storm(client, company, monkeypatch):
    signed_in(client)
    company.keys = company.keys | {"RS256": RSAKey.generate_key(2048, {"kid": "new", "use": "sig"})}
    monkeypatch.setattr(portals_provider, "KEYS_PAUSE", 0)
    assert signed_in(Client()).status_code == 303

    monkeypatch.setattr(portals_provider, "KEYS_PAUSE", 3600)
    asked = company.calls["/keys"]
    company.keys = company.keys | {"RS256": RSAKey.generate_key(2048, {"kid": "unheard", "use": "sig"})}
    assert [signed_in(Client()).status_code for _ in range(3)] == [400] * 3
    assert company.calls["/keys"] == asked
