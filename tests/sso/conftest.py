"""A portal whose viewers sign in at a provider on loopback, and browsers that walk there and back."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests

from dcsportal.sso import provider as portals_provider

from . import openid

PAGE = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
HARD_LINK = f"{PAGE}?status=failed&status=expired&q=100%25&tz=Asia%2FShanghai"
LONG_LINK = f"{PAGE}?q=" + "%25" * 2600  # eight kilobytes
HARD_LINKS = [
    HARD_LINK,
    f"{PAGE}?q=a+b%20c&from=2026-01-01T00:00:00+08:00",
    f"{PAGE}?q=%E5%A4%87%E4%BB%BD&unknown=kept&empty=&flag",
    f"{PAGE}?q={{a|b}}^`[c]'&q=%7Ba%7D",
    f"{PAGE}?q=a\\b&next=/sign-in/?next=//evil.example&q=%2525",
    f"{PAGE}?q=%ff%00%0d%0aX-Header:1",
    LONG_LINK,
]


@pytest.fixture(scope="session")
def _running_openid():
    with openid.running() as provider:
        yield provider


@pytest.fixture
def company(_running_openid):
    """The company's provider, honest, with Ada (dcs-all) in front of it."""
    _running_openid.reset()
    portals_provider.forget_providers()
    return _running_openid


@pytest.fixture
def sso(company, settings, db):
    settings.DCS_DEMO, settings.PORTAL_URL, settings.SSO_ISSUER = False, "http://testserver", company.issuer
    settings.SSO_CLIENT_ID, settings.SSO_CLIENT_SECRET = openid.CLIENT_ID, openid.CLIENT_SECRET
    return settings


def get(client, link, **headers):
    """Ask for a link byte for byte; Django's test client would escape it anew."""
    path, _, query = link.partition("?")
    return client.get(path, QUERY_STRING=query, headers=headers)


def to_provider(client, link):
    """Open a link signed out, and return the address at the provider where that leads."""
    for status in (302, 302, 303):
        response = get(client, link)
        assert response.status_code == status, response.content.decode()
        link = response.headers["Location"]
    return link


def at_provider(address):
    """Be signed in at the provider, and return the callback's path and query."""
    response = requests.get(address, allow_redirects=False, timeout=30)
    back = urlsplit(response.headers["Location"])
    return f"{back.path}?{back.query}"


def signed_in(client, link="/"):
    """Walk the whole way, and return the answer to the callback."""
    return get(client, at_provider(to_provider(client, link)))


def tried_again(client, page, company):
    """Follow a failure's way on by a provider that is well again; return the link to which that leads."""
    company.reset()
    portals_provider.forget_providers()
    [way_on] = re.findall(r'<a class="btn primary" href="([^"]*)"', page.content.decode())
    location = get(client, unescape(way_on)).headers["Location"]
    answer = get(client, at_provider(get(client, location).headers["Location"]))
    assert answer.status_code == 303, answer.content.decode()
    return str(answer.headers["Location"])
