"""Signing in and out, and the link that survives it byte for byte."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from dcsportal.links import LONGEST_LINK, safe_link
from dcsportal.sso.models import Viewer

from .sso.conftest import HARD_LINKS, PAGE, get

pytestmark = pytest.mark.django_db

# --- The link --------------------------------------------------------------------


@pytest.mark.parametrize("link", HARD_LINKS)
def test_a_link_opened_signed_out_is_byte_identical_after_sign_in(client, link):
    sign_in_page = client.get(get(client, link).headers["Location"])
    response = client.post("/sign-in/", {"person": "ada", "next": _hidden_next(sign_in_page)})

    assert response.status_code == 303
    assert response.headers["Location"] == link


def test_a_link_with_bytes_that_no_header_may_hold_arrives_escaped(client):
    response = client.get(PAGE, QUERY_STRING="q=é\x7f")

    page = client.get(response.headers["Location"])
    assert _hidden_next(page) == f"{PAGE}?q=%E9%7F"


@pytest.mark.parametrize(
    "hostile",
    [
        *(
            "//evil.example/",
            "/\\evil.example",
            "https:evil.example",
            "https://evil.example/",
            "evil.example",
        ),
        *("javascript:alert(1)", "/\t/evil.example", " //evil.example", "/\n/evil.example", "/path\\evil"),
        *("/path\r\nSet-Cookie: a=b", "/\u2028evil", "/\ud800", "?next=/", "", "/" + "a" * LONGEST_LINK),
    ],
)
def test_a_link_that_might_lead_elsewhere_becomes_the_home_page(client, hostile):
    assert safe_link(hostile) == "/"

    if hostile.isascii():
        response = client.post("/sign-in/", {"person": "ada", "next": hostile})
        assert response.headers["Location"] == "/"


def test_after_a_form_was_sent_too_late_the_viewer_comes_back_to_its_page(client):
    shown = f"http://testserver{PAGE}?status=failed"

    response = client.post(f"{PAGE}refresh/", headers={"Referer": shown})

    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={PAGE}%3Fstatus%3Dfailed"


# --- Who gets in -----------------------------------------------------------------


def test_the_demo_s_people_have_their_own_groups_and_who_sees_everything_comes_first(client):
    page = client.get("/sign-in/").content.decode()
    people = re.findall(r'name="person" value="(\w+)"', page)
    for person in people:
        client.post("/sign-in/", {"person": person})

    assert people == ["ada", "ben", "cleo"]
    assert [viewer.groups for viewer in Viewer.objects.order_by("subject")] == [["dcs-all"], ["dcs-eu"], []]
    assert '<span class="initials" aria-hidden="true">AN</span>' in page


def test_the_demo_sign_in_is_impossible_outside_the_demo(client, settings):
    assert client.post("/sign-in/", {"person": "nobody"}).status_code == 404
    settings.DCS_DEMO = False

    assert client.post("/sign-in/", {"person": "ada"}).status_code == 404
    assert not Viewer.objects.exists()
    page = client.get("/sign-in/")
    assert page.status_code == 503
    assert "Ada" not in page.content.decode()


def test_a_sign_in_from_another_site_is_refused():
    client = Client(enforce_csrf_checks=True)

    response = client.post("/sign-in/", {"person": "ada"}, headers={"Origin": "https://evil.example"})

    assert response.status_code == 403
    assert not Session.objects.exists()


def test_signing_in_renews_the_session_id(client_of):
    client = client_of("ada")
    before = client.cookies["portal_session"].value

    client.post("/sign-in/", {"person": "ada"})

    assert client.cookies["portal_session"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_session_ends_after_its_hours_even_when_it_is_used(client_of, settings):
    client = client_of("ada")
    session = client.session
    session["something"] = "changed in between"
    session.save()

    ends = Session.objects.get().expire_date
    assert timedelta(hours=11, minutes=59) < ends - timezone.now() <= timedelta(hours=12)

    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert get(client, PAGE).headers["Location"].startswith("/sign-in/")


def test_a_session_of_the_demo_ends_with_the_demo(client_of, settings):
    client = client_of("ada")

    settings.DCS_DEMO = False

    assert client.get("/").status_code == 302


# --- Without a session -----------------------------------------------------------


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize("headers", [BROWSER, {"Accept": "text/html"}, {"Accept": "*/*"}, {}])
def test_a_navigation_without_a_session_goes_to_the_sign_in(client, headers):
    response = client.get(PAGE, headers=headers)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={PAGE}"
    assert "portal_session" not in response.cookies


SHOWN = f"http://testserver{PAGE}?q=100%25"


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-Request": "true", "HX-Current-URL": SHOWN},
        {"Sec-Fetch-Mode": "cors", "Accept": "*/*", "Referer": SHOWN},
        {"Accept": "application/json", "Referer": SHOWN},
    ],
)
def test_what_runs_behind_a_page_gets_401_and_the_way_back_to_that_page(client, headers):
    response = client.get(f"{PAGE}?generation=abc", headers=headers)

    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == f"/sign-in/?next={PAGE}%3Fq%3D100%2525"
    assert response.json()["error"] == "signed_out"
    assert response.json()["sign_in"] == response.headers["HX-Redirect"]
    assert not response.cookies


@pytest.mark.parametrize("shown", [f"http://evil.example{PAGE}", "http://[", "http://a]b/", "//\u00e4]["])
def test_another_sites_page_is_no_way_back(client, shown):
    response = client.get(PAGE, headers={"HX-Request": "true", "HX-Current-URL": shown})

    assert response.headers["HX-Redirect"] == "/sign-in/?next=/"


def test_pages_before_sign_in_name_nothing(client):
    page = client.get(get(client, f"{PAGE}?q=secret-remark").headers["Location"])

    text = re.sub(r"<[^>]*>", " ", page.content.decode())
    assert not any(word in text for word in ("5560df16", "secret-remark", "orders-cache"))


# --- Signing out -----------------------------------------------------------------


def test_sign_out_by_post_ends_the_session_and_by_get_does_nothing(client_of):
    client = client_of("ada")
    assert client.get("/sign-out/").status_code == 405
    assert Session.objects.exists()

    response = client.post("/sign-out/")

    assert (response.status_code, response.headers["Location"]) == (303, "/signed-out/")
    assert not Session.objects.exists()
    assert client.get("/signed-out/").status_code == 200
    assert get(client, PAGE).status_code == 302
    assert client.post("/sign-out/").status_code == 303


def _hidden_next(page):
    forms = re.findall(r"<form\b.*?</form>", page.content.decode(), re.DOTALL)
    form = next(form for form in forms if 'name="person"' in form)
    return unescape(re.search(r'name="next" value="([^"]*)"', form)[1])
