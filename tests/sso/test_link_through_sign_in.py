"""A link comes back from the company's sign-in unchanged, in many tabs too, and by nobody else's cookie."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from dcsportal.links import LONGEST_LINK
from dcsportal.sso.models import RestingLink

from .conftest import HARD_LINK, HARD_LINKS, LONG_LINK, PAGE, at_provider, get, to_provider, tried_again

pytestmark = pytest.mark.usefixtures("sso")


@pytest.mark.parametrize("https", [False, True])
def test_tabs_opened_at_once_in_an_empty_browser_each_land_on_their_own_link(client, sso, https):
    """All are at the provider before the first comes back; the last one comes back first."""
    sso.HTTPS = https
    # On https no other host of the domain can plant a cookie of that name.
    prefix, path = ("__Host-sso-", "/") if https else ("sso-", "/sso/")
    addresses = [to_provider(client, link) for link in HARD_LINKS]
    # The provider learns nothing of what a viewer looks for.
    assert not any("5560df16" in address for address in addresses)
    begun = [cookie for name, cookie in client.cookies.items() if name.startswith(prefix)]
    assert len(begun) == len(HARD_LINKS)
    for cookie in begun:
        assert len(cookie.key) + 1 + len(cookie.value) <= 120
        assert (cookie["path"], cookie["domain"], cookie["max-age"]) == (path, "", 600)
        assert (cookie["samesite"], cookie["httponly"], bool(cookie["secure"])) == ("Lax", True, https)

    landed = [get(client, at_provider(address)).headers["Location"] for address in reversed(addresses)]

    assert landed == list(reversed(HARD_LINKS))
    gone = [cookie for name, cookie in client.cookies.items() if name.startswith(prefix)]
    assert {(cookie.value, cookie["path"], bool(cookie["secure"])) for cookie in gone} == {("", path, https)}


@pytest.mark.parametrize("name", ["sso-", "__Secure-sso-", "\u2003__Host-sso-", "\x85__Host-sso-"])
def test_on_https_a_cookie_that_another_host_can_plant_signs_nobody_in(client, sso, name):
    """With an attacker's own sign-in a viewer would work, unknowingly, as the attacker."""
    sso.HTTPS = True
    callback = at_provider(to_provider(client, "/"))
    own = next(cookie for key, cookie in client.cookies.items() if key.startswith("__Host-sso-"))
    planted = f"{name}{own.key.removeprefix('__Host-sso-')}={own.value}"

    page = get(Client(), callback, Cookie=f"a=b; {planted}".encode().decode("latin-1"))

    assert page.status_code == 400
    assert not Session.objects.exists()
    assert get(Client(), callback, Cookie=f"a=é; {own.key}={own.value}").status_code == 303


def test_of_many_sign_ins_in_one_browser_the_oldest_are_dropped(client):
    begun = [f"sso-{number:022}" for number in range(14)]
    in_order = "; ".join(f"{name}=secret" for name in begun)

    response = get(client, "/sso/start/?next=/", Cookie=in_order)

    assert [name for name, cookie in response.cookies.items() if not cookie.value] == begun[:3]


def test_a_link_that_might_lead_elsewhere_becomes_the_home_page(client):
    address = client.get("/sso/start/", {"next": "//evil.example"}).headers["Location"]

    assert get(client, at_provider(address)).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["", "/sign-in/", "/sso/start/"])
def test_a_link_over_8_kb_is_offered_to_copy(client, path):
    link = f"{PAGE}?q=" + "a" * LONGEST_LINK

    response = client.get(path, {"next": link}) if path else get(client, link)

    assert response.status_code == 400
    assert f"http://testserver{link}" in response.content.decode()
    assert "too long" in response.content.decode()


# --- Links too long for the state ------------------------------------------------


def _resting(address, number):
    """Let so many long links of an address rest, for less long than one that comes now."""
    soon = timezone.now() + timedelta(minutes=5)
    times = (soon + timedelta(milliseconds=n) for n in range(number))
    RestingLink.objects.bulk_create(
        RestingLink(id=f"{address}-{n}", link="/", address=address, expires_at=time)
        for n, time in enumerate(times)
    )


def test_however_many_long_links_of_strangers_rest_a_viewer_s_own_is_kept(client):
    for number in range(99):
        _resting(f"198.51.100.{number}", 100)
    _resting("192.0.2.1", 101)
    _resting("192.0.2.2", 99)

    address = to_provider(client, LONG_LINK)

    assert RestingLink.objects.count() == 10_000
    assert not RestingLink.objects.filter(id="192.0.2.1-0").exists()
    assert get(client, at_provider(address)).headers["Location"] == LONG_LINK


def test_of_the_long_links_of_one_address_the_oldest_go_first(company):
    _resting("2001:db8::/64", 100)

    address = to_provider(Client(REMOTE_ADDR="2001:db8::7"), LONG_LINK)

    assert RestingLink.objects.filter(address="2001:db8::/64").count() == 100
    assert not RestingLink.objects.filter(id="2001:db8::/64-0").exists()
    page = get(Client(), at_provider(address))
    assert tried_again(Client(), page, company) == LONG_LINK


# --- What begins a sign-in -------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        *(
            {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": place}
            for place in ("iframe", "frame", "embed", "object")
        ),
        {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Purpose": "prefetch;prerender"},
        {"Accept": "image/webp,*/*"},
        {"HX-Request": "true"},
    ],
)
def test_what_no_viewer_opens_begins_no_sign_in_and_costs_nothing(
    client, company, django_assert_num_queries, headers
):
    with django_assert_num_queries(0):
        response = get(client, f"/sso/start/?next={LONG_LINK}", **headers)

    assert response.status_code == 401
    assert not client.cookies
    assert not company.calls
    opened = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert get(client, "/sso/start/?next=/", **opened).status_code == 303


# --- Callbacks that are late, spent or foreign -----------------------------------


def test_a_sign_in_of_more_than_ten_minutes_keeps_its_link(client, company, monkeypatch):
    callback = at_provider(to_provider(client, HARD_LINK))
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 601)
        page = get(client, callback)

    assert page.status_code == 400
    assert "too long" in page.content.decode()
    assert not Session.objects.exists()
    assert tried_again(client, page, company) == HARD_LINK


def test_a_callback_is_taken_once_and_in_the_browser_that_began(client):
    callback = at_provider(to_provider(client, HARD_LINK))
    thief = Client()
    thief.cookies.load({name: cookie.value for name, cookie in client.cookies.items()})

    assert get(Client(), callback).status_code == 400
    assert get(client, callback).status_code == 303
    assert get(thief, callback).status_code == 400  # the provider refuses the code
    assert Session.objects.count() == 1


@pytest.mark.parametrize("link", [PAGE, "/", LONG_LINK])
def test_a_spent_or_foreign_callback_leads_whoever_is_signed_in_to_its_link(client, link):
    """Back, a double click, a restored tab; or a program that opened the link before its viewer did."""
    own, foreign = at_provider(to_provider(client, link)), at_provider(to_provider(Client(), link))
    begun = {name: cookie.value for name, cookie in client.cookies.items()}
    assert get(client, own).status_code == 303
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    answers = [get(client, callback) for callback in (own, own, foreign, foreign)]
    client.cookies.load(begun)  # a second click, before the first one's answer took the cookie away
    answers.append(get(client, own))

    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [(303, link)] * 5
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == session
    assert get(Client(), own).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        *("", "?state=x", "?code=x", "?state=%00&code=%ff", "?state=a.b&error=x", "?code=x&state=%ED%A0%80"),
        *(f"?code=x&state={state}" for state in ("%00" * 22, "x" * 22, "a" * 22 + "%00", "é" * 100)),
    ],
)
def test_a_callback_that_nobody_began_is_a_page_and_no_error(client, query):
    assert get(client, f"/sso/callback/{query}").status_code == 400
