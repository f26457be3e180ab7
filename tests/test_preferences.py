"""Language, zone and theme of a viewer."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from dcsportal.preferences import Preferences, for_templates, preferences_of_viewer


def test_a_viewer_keeps_language_zone_and_theme_without_signing_in(client: Client) -> None:
    response = client.post("/preferences/", {"language": "zh-hans", "zone": "Asia/Shanghai", "theme": "dark"})

    assert response.status_code == 303
    kept = {name: cookie.value for name, cookie in response.cookies.items()}
    assert kept == {"portal_language": "zh-hans", "portal_zone": "Asia/Shanghai", "portal_theme": "dark"}
    for cookie in response.cookies.values():
        assert (cookie["samesite"], cookie["httponly"], cookie["max-age"]) == ("Lax", True, 365 * 86_400)


def test_the_viewer_comes_back_to_the_same_link(client: Client) -> None:
    link = "/projects/eu-prod/?q=100%25&q={a|b}"

    response = client.post("/preferences/", {"theme": "light", "next": link})

    assert response.headers["Location"] == link


def test_preferences_lead_to_no_other_site(client: Client) -> None:
    response = client.post("/preferences/", {"theme": "light", "next": "//evil.example/"})

    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "fr"),
        ("zone", "Mars/Olympus"),
        ("zone", "../../etc/passwd"),
        ("zone", ""),
        ("theme", "<script>"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_kept(client: Client, field: str, value: str) -> None:
    response = client.post("/preferences/", {"theme": "dark", field: value})

    assert response.status_code == 400
    assert field in response.content.decode()
    assert not response.cookies


def test_preferences_are_not_changed_by_a_link(client: Client) -> None:
    response = client.get("/preferences/?theme=dark")

    assert response.status_code == 405
    assert not response.cookies


def test_pages_know_the_zone_and_the_theme_of_the_cookies() -> None:
    preferences = _preferences_with(portal_zone="Asia/Kolkata", portal_theme="dark")

    assert (preferences.zone_name, preferences.theme) == ("Asia/Kolkata", "dark")


def test_cookies_that_say_nonsense_count_as_not_there() -> None:
    preferences = _preferences_with(portal_zone="../../etc/passwd", portal_theme="neon")

    assert preferences == Preferences()


def test_the_language_of_the_cookie_wins_over_the_browsers(client: Client) -> None:
    client.cookies["portal_language"] = "zh-hans"

    response = client.get("/healthz", headers={"Accept-Language": "en"})

    assert response.headers["Content-Language"] == "zh-hans"


def test_templates_get_what_the_viewer_prefers(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.preferences = Preferences(theme="dark")  # type: ignore[attr-defined]

    context = for_templates(request)

    assert (context["theme"], context["zone_name"], context["demo"]) == ("dark", "UTC", True)


def _preferences_with(**cookies: str) -> Preferences:
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    seen: list[Preferences] = []
    preferences_of_viewer(lambda request: seen.append(request.preferences))(request)  # type: ignore
    return seen[0]


@pytest.mark.parametrize(
    ("typed", "kept"), [("Shanghai", "Asia/Shanghai"), ("utc+8", "Etc/GMT-8"), ("SGT", "Asia/Singapore")]
)
def test_a_zone_may_be_typed_as_people_say_it(client: Client, typed: str, kept: str) -> None:
    response = client.post("/preferences/", {"zone": typed})

    assert response.status_code == 303
    assert kept in {cookie.value for cookie in client.cookies.values()}
