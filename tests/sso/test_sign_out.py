"""Signing out here and at the provider, the provider's own logout call, and the audit of it all."""

import json
import logging

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from dcsportal.sso import provider as portals_provider

from .conftest import PAGE, get, signed_in
from .openid import unsigned

pytestmark = pytest.mark.usefixtures("sso")


# --- The way out -----------------------------------------------------------------


def test_signing_out_ends_the_session_here_and_leads_to_the_providers_sign_out(client, company):
    signed_in(client)
    assert len(Session.objects.get().session_data) < 500

    response = client.post("/sign-out/")

    back = "post_logout_redirect_uri=http%3A%2F%2Ftestserver%2Fsigned-out%2F"
    way_out = f"{company.issuer}/logout?client_id=portal&{back}&id_token_hint=ey"
    assert response.status_code == 303
    assert response.headers["Location"].startswith(way_out)
    assert company.issuer in response.headers["Content-Security-Policy"]
    assert not Session.objects.exists()


def test_a_sign_out_page_on_another_host_is_reached_by_a_page_that_goes_on(client, company):
    company.metadata = {"end_session_endpoint": "https://logout.example/out"}
    signed_in(client)

    response = client.post("/sign-out/")

    assert response.status_code == 200
    assert 'http-equiv="refresh" content="0; url=https://logout.example/out?' in response.content.decode()


def test_signing_out_while_the_provider_is_down_still_ends_the_session_here(client, company):
    signed_in(client)
    portals_provider.forget_providers()
    company.down = "all"

    assert client.post("/sign-out/").headers["Location"] == "/signed-out/"
    assert not Session.objects.exists()


@pytest.mark.parametrize("named", [{}, {"sid": "session-1"}, {"sub": None, "sid": "session-1"}])
def test_the_providers_logout_call_ends_the_sessions(client, company, named):
    signed_in(client)
    token = company.logout_token(**named)

    response = Client(enforce_csrf_checks=True).post("/sso/back-channel-logout/", {"logout_token": token})

    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert not Session.objects.exists()
    assert get(client, "/").status_code == 302
    again = client.post("/sso/back-channel-logout/", {"logout_token": token})
    assert again.status_code == 400


def test_the_logout_call_ends_a_session_that_began_under_an_earlier_secret_key(client, company, settings):
    signed_in(client)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, [settings.SECRET_KEY]
    assert get(client, "/").status_code == 200

    Client().post("/sso/back-channel-logout/", {"logout_token": company.logout_token()})

    assert get(client, "/").status_code == 302


@pytest.mark.parametrize(
    "token",
    [
        # What the standard forbids.
        {"nonce": "x"},
        {"events": None},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": True}},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        *({"sub": None}, {"sub": 7}, {"jti": None}, {"iat": None}),
        {"iat": 1_700_000_000, "exp": None},
        *({"iat": 1_700_000_000}, {"exp": 1_700_000_000}),
        {"header": {"typ": "at+jwt"}},
        # What nobody signed.
        *("unsigned", "", "a.b.c", "e30.e30.", "é.é.é", "." * 9, "a" * 100_000),
    ],
)
def test_a_logout_call_that_the_provider_did_not_make_ends_nothing(client, company, token):
    signed_in(client)
    if token == "unsigned":
        company.sign, token = unsigned, {}
    given = token if isinstance(token, str) else company.logout_token(**token)

    response = client.post("/sso/back-channel-logout/", {"logout_token": given})

    assert response.status_code == 400
    assert Session.objects.count() == 1


# --- The audit -------------------------------------------------------------------


def test_the_audit_names_who_did_what_and_from_where_and_no_secret(client, company, caplog):
    caplog.set_level(logging.INFO)
    signed_in(client)
    get(client, PAGE)
    client.post("/sign-out/")
    company.answer = "access_denied"
    signed_in(client)

    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "dcsportal.audit"]
    assert [line["event"] for line in lines] == ["sign-in", "view", "sign-out", "refusal"]
    assert {line["from"] for line in lines} == {"127.0.0.1"}
    assert [line["who"] for line in lines] == ["ada-1", "ada-1", "ada-1", None]
    view = lines[1]
    assert (view["page"], view["project"], view["status"]) == ("history", "eu-prod", 404)
    assert not any(secret in caplog.text for secret in ("eyJ", "portal-secret", "an-access-token", "-code"))
