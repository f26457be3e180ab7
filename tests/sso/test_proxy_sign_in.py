"""Behind a sign-in proxy: its headers name the viewer, and nobody else's do."""

import ipaddress
import logging

import pytest
from django.contrib.sessions.models import Session

from dcsportal.sso.models import Viewer

from .conftest import get

PAGE = "/projects/eu-prod/?q=a%25b"


@pytest.fixture(autouse=True)
def proxy(settings, db):
    settings.DCS_DEMO, settings.DCS_PROJECTS = False, {}
    for name in ("USER", "GROUPS", "NAME"):
        setattr(settings, f"SSO_PROXY_{name}_HEADER", f"X-Forwarded-{name.capitalize()}")
    settings.SSO_TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.1.0.0/16")]


def _headers(user, groups="dcs-all", **more):
    return {"X-Forwarded-User": user, "X-Forwarded-Groups": groups} | more


def test_the_proxy_signs_its_viewer_in_at_the_first_request(client):
    response = get(client, "/", **_headers("ada", "/dcs/all, dcs-eu", **{"X-Forwarded-Name": "Ada Novák"}))

    assert response.status_code == 200
    viewer = Viewer.objects.get()
    assert (viewer.issuer, viewer.subject, viewer.groups) == ("proxy", "ada", ["dcs/all", "dcs-eu"])
    assert Session.objects.count() == 1


def test_a_viewer_has_one_session_and_another_in_the_headers_another(client, django_assert_num_queries):
    get(client, "/", **_headers("ada"))
    before = client.cookies["portal_session"].value
    with django_assert_num_queries(2):  # the session, the viewer
        get(client, "/", **_headers("ada"))

    get(client, "/", **_headers("ben", "dcs-eu"))

    assert Viewer.objects.get(pk=client.session["_auth_user_id"]).subject == "ben"
    assert client.cookies["portal_session"].value != before
    assert Session.objects.count() == 1


def test_groups_that_the_proxy_takes_away_are_gone_at_the_next_request(client):
    get(client, "/", **_headers("ada", "dcs-all,dcs-eu"))

    # What only looks like another group's name counts for nothing.
    lookalikes = ", ".join(("dcs-all\u00a0", "dcs\u200b-all", "dcs-all\x00"))
    get(client, "/", **_headers("ada", f"dcs-eu, {lookalikes}".encode().decode("latin-1")))

    assert Viewer.objects.get().groups == ["dcs-eu"]


def test_a_session_without_the_proxys_headers_is_none(client):
    get(client, "/", **_headers("ada"))

    assert get(client, PAGE).status_code == 302
    assert get(client, PAGE, **{"HX-Request": "true"}).status_code == 401


@pytest.mark.parametrize("address", ["10.2.0.1", "", "::ffff:192.0.2.1"])
def test_a_header_from_an_untrusted_address_is_refused_and_logged(client, caplog, address):
    caplog.set_level(logging.INFO)

    response = client.get("/", headers=_headers("ada"), REMOTE_ADDR=address)

    assert response.status_code == 403
    assert "sign-in proxy" in response.content.decode()
    assert not Session.objects.exists()
    assert all(part in caplog.text for part in ("not in SSO_TRUSTED_PROXIES", '"refusal"'))


@pytest.mark.parametrize(
    ("address", "status"), [("10.1.2.3", 200), ("::ffff:10.1.2.3", 200), ("192.0.2.1", 403)]
)
def test_trusted_networks_count_and_x_forwarded_for_makes_no_address_trusted(
    client, settings, address, status
):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("192.0.2.0/24")]
    headers = _headers("ada", **{"X-Forwarded-For": "127.0.0.1"})

    assert client.get("/", headers=headers, REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    "user",
    [
        *("ada,eve", ",ada", "a" * 256, "ada\x00", "ada\x7f"),
        # What looks like another's name is not taken for it.
        *("ada\u00a0", "\u3000ada", "ada\u200b", "a\u00adda", "\u2028ada", "\ue000"),
    ],
)
def test_two_values_or_an_unreadable_one_name_nobody(client, caplog, user):
    response = client.get("/", headers=_headers(user.encode().decode("latin-1")))

    assert response.status_code == 403
    assert "more than one name" in caplog.text
    assert not Session.objects.exists()


def test_the_sign_in_page_leads_a_named_viewer_back_to_their_link(client):
    assert client.get("/sign-in/", {"next": PAGE}, headers=_headers("ada")).headers["Location"] == PAGE
    assert client.get("/sign-in/", {"next": PAGE}).status_code == 403


def test_signing_out_says_that_the_proxy_still_knows_the_viewer(client):
    get(client, "/", **_headers("ada"))

    client.post("/sign-out/", headers=_headers("ada"))
    response = client.get("/signed-out/", headers=_headers("ada"))

    assert "You may still be signed in" in response.content.decode()
    assert not Session.objects.exists()


def test_nobody_signs_in_through_the_other_doors(client, settings):
    settings.DCS_DEMO = True

    answers = [client.post("/sign-in/", {"person": "ada"}), client.post("/sso/back-channel-logout/")]
    answers += [client.get("/sso/start/"), client.get("/sso/callback/")]
    assert [answer.status_code for answer in answers] == [404] * 4
