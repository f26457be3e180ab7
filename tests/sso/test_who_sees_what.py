"""Every URL of the portal, as nobody, as a viewer of another project, as a viewer without a group."""

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

INSTANCE = "5560df16-cebf-4473-95c4-d1b573c16e79"
VALUES = {
    "ending": "json",
    "project_name": "eu-prod",
    "instance_id": INSTANCE,
    "backup_id": "4631832a-14c6-45b0-a0b3-3abd8f591ad1",
}
SECRETS = ("orders-cache", "backup_20", "880,232", "eu-west-101")
# What everybody may open: signing in and out, health, preferences.
OPEN = {
    "sign-in",
    "sso-start",
    "sso-callback",
    "sso-back-channel-logout",
    "sign-out",
    "signed-out",
    "preferences",
    "healthz",
    "readyz",
    "metrics",
    "metrics-instances",
}


def _routes(resolver, before=""):
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield str(entry.name), "/" + route


def _paths(**changes):
    values = VALUES | changes
    fill = lambda route: re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values.get(m[1], "x"), route)  # noqa: E731
    return [(name, fill(route)) for name, route in _routes(get_resolver())]


@pytest.fixture(autouse=True)
def _portal(portal, db):
    portal.DCS_DEMO = True
    return portal


def _client(person):
    client = Client()
    assert client.post("/sign-in/", {"person": person}).status_code == 303
    return client


@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put", "delete"])
def test_nobody_sees_nothing_at_any_address(emulator, method):
    client = Client()
    for name, path in _paths():
        if name in OPEN:
            continue
        response = getattr(client, method)(path)
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/sign-in/"), path
        _shows_nothing(response)
        assert SESSION_KEY not in client.session


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "application/json"}])
def test_nobody_gets_401_behind_a_page(headers):
    for name, path in _paths():
        if name not in OPEN:
            response = Client().get(path, headers=headers)
            assert (response.status_code, path) == (401, path)
            _shows_nothing(response)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("person", ["cleo", "ben"])
def test_a_project_of_others_is_as_missing_as_one_that_is_not_there(emulator, person, method):
    client, ada = _client(person), _client("ada")
    existing = "eu-prod" if person == "cleo" else _foreign_to_ben(emulator)
    for _, path in _paths(project_name=existing):
        ada.get(path)  # so that it is known to the portal
    emulator.clear_calls()
    for (name, there), (_, missing) in zip(
        _paths(project_name=existing), _paths(project_name="z" * len(existing)), strict=True
    ):
        if name in OPEN or existing not in there:
            continue
        one, other = getattr(client, method)(there), getattr(client, method)(missing)
        assert one.status_code == other.status_code, there
        assert one.status_code in (404, 405), there
        assert len(one.content) == len(other.content), there
        assert [name for name, value in one.items() if other.headers[name] != value] == ["X-Request-ID"]
        _shows_nothing(one)
    assert not emulator.calls


def test_a_viewer_without_a_group_finds_nothing():
    client = _client("cleo")

    for path in ("/", "/find/?q=orders", f"/find/?q={INSTANCE}", f"/find/?q={VALUES['backup_id']}"):
        _shows_nothing(client.get(path))


def test_a_lost_group_counts_at_the_next_request(emulator):
    from dcsportal.sso.models import Viewer

    client = _client("ada")
    path = f"/projects/eu-prod/instances/{INSTANCE}/"
    assert client.get(path).status_code == 200

    Viewer.objects.update(groups=[])

    assert client.get(path).status_code == 404


def _foreign_to_ben(emulator):
    return next(project.name for project in emulator.fleet.projects if project.name != "eu-prod")


def _shows_nothing(response):
    text = response.content.decode() + str(dict(response.headers).get("Location", ""))
    for secret in SECRETS:
        assert secret not in text
