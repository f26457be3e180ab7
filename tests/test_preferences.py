"""Language, zone, theme and keys of a viewer."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from dcsportal.preferences import for_templates, preferences_of_viewer


def test_a_viewer_keeps_language_zone_and_theme_without_signing_in(client):
    response = client.post("/preferences/", {"language": "zh-hans", "zone": "Asia/Shanghai", "theme": "dark"})

    assert response.status_code == 303
    kept = {name: cookie.value for name, cookie in response.cookies.items()}
    assert kept == {"portal_language": "zh-hans", "portal_zone": "Asia/Shanghai", "portal_theme": "dark"}
    for cookie in response.cookies.values():
        assert (cookie["samesite"], cookie["httponly"], cookie["max-age"]) == ("Lax", True, 365 * 86_400)


@pytest.mark.parametrize(
    ("typed", "kept"), [("Shanghai", "Asia/Shanghai"), ("utc+8", "Etc/GMT-8"), ("SGT", "Asia/Singapore")]
)
def test_a_zone_may_be_typed_as_people_say_it(client, typed, kept):
    response = client.post("/preferences/", {"zone": typed})

    assert response.status_code == 303
    assert response.cookies["portal_zone"].value == kept


def test_the_viewer_comes_back_to_the_same_link_and_to_no_other_site(client):
    link = "/projects/eu-prod/?q=100%25&q={a|b}"

    for asked, leads_to in ((link, link), ("//evil.example/", "/")):
        response = client.post("/preferences/", {"theme": "light", "next": asked})
        assert response.headers["Location"] == leads_to


START = "2026-11-19T16:00:00Z"
NO_TIMES_OF_THE_ZONE = ["from=2026-11-20T00:00Z&to=x&at=2+h+ago", "at=soon&from=2026-11-20&from=2026-11-21"]


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("?tz=Asia/Shanghai", ""),
        ("?q=100%25&q={a|b}&tz=Asia/Shanghai&&seen=x+y", "?q=100%25&q={a|b}&&seen=x+y"),
        ("?tz=Mars&q=tz=UTC&amp;tz=Asia%2FTokyo&%74z=&tzz=1&tz", "?q=tz=UTC&tzz=1"),
        ("?status=failed&", "?status=failed&"),
        # A time that was read in that zone stays the same time.
        ("?from=2026-11-20&to=2026-11-20&tz=Asia/Shanghai", f"?from={START}&to=2026-11-20T16:00:00Z"),
        ("?at=2026-11-23+09:40&tz=UTC&tz=UTC", "?at=2026-11-23T09:40:00Z&tz=Etc/GMT%2B8"),
        ("?at=2026-11-23+09:40&tz=Mars", "?at=2026-11-23+09:40&tz=Etc/GMT%2B8"),
        *((f"?tz=Asia/Tokyo&{rest}", f"?tz=Etc/GMT%2B8&{rest}") for rest in NO_TIMES_OF_THE_ZONE),
    ],
)
def test_a_chosen_zone_takes_the_place_of_the_links_and_moves_no_time(client, asked, leads_to):
    link, zone = f"/projects/eu-prod/{asked}", {"zone": "Etc/GMT+8"}

    chosen = client.post("/preferences/", zone | {"next": link})
    other = client.post("/preferences/", {"theme": "dark", "next": link})
    in_menu = client.post("/preferences/", zone | {"next": link}, headers={"HX-Request": "true"})

    assert (chosen.status_code, in_menu.status_code) == (303, 204)
    assert chosen.headers["Location"] == in_menu.headers["Location"] == f"/projects/eu-prod/{leads_to}"
    assert other.headers["Location"] == link


@pytest.mark.parametrize(
    ("field", "value"),
    [("language", "fr"), ("zone", "../../etc/passwd"), ("zone", ""), ("theme", "<script>"), ("keys", "no")],
)
def test_a_wrong_value_is_named_and_nothing_is_kept(client, field, value):
    response = client.post("/preferences/", {"theme": "dark", field: value})

    assert response.status_code == 400
    assert field in response.content.decode()
    assert not [name for name in response.cookies if name != "portal_csrf"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Sanghai", "Asia/Shanghai"), ("Asia/Shangai", "Asia/Shanghai"), ("new yrok", "America/New_York")],
)
def test_a_zone_that_is_typed_wrong_is_answered_with_what_may_be_meant(client, typed, meant):
    link = "/projects/eu-prod/?q=a"
    for headers in ({}, {"HX-Request": "true"}):
        response = client.post("/preferences/", {"zone": typed, "next": link}, headers=headers)
        page = response.content.decode()
        assert f'name="zone" value="{meant}"' in page
        assert ("<html" in page) == (not headers)
        assert (link in page) == (not headers)


def test_what_is_no_zone_and_looks_like_none_is_answered_without_a_guess(client):
    response = client.post("/preferences/", {"zone": "<script>", "next": "//evil.example/"})

    assert "does not know this time zone" in response.content.decode()
    for absent in ("Did you mean", "<script>", "evil.example"):
        assert absent not in response.content.decode()


def test_preferences_are_not_changed_by_a_link(client):
    response = client.get("/preferences/?theme=dark")

    assert response.status_code == 405
    assert not response.cookies


def test_pages_know_the_zone_and_the_theme_of_the_cookies():
    context = _context_with(portal_zone="Asia/Kolkata", portal_theme="dark", portal_keys="off")

    assert context == {"demo": True, "zone_name": "Asia/Kolkata", "theme": "dark", "keys_on": False}


def test_cookies_that_say_nonsense_count_as_not_there():
    assert _context_with(portal_zone="../../etc/passwd", portal_theme="neon") == _context_with()


def _context_with(**cookies):
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    preferences_of_viewer(lambda request: HttpResponse())(request)
    return for_templates(request)


def test_the_language_of_the_cookie_wins_over_the_browsers(client):
    client.cookies["portal_language"] = "zh-hans"

    response = client.get("/healthz", headers={"Accept-Language": "en"})

    assert response.headers["Content-Language"] == "zh-hans"
