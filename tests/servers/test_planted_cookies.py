"""Chromium over https, where another host of the domain, or a plain page, plants a cookie of the sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
from playwright.sync_api import Browser

from backups.emulator.api import Emulator

from ..sso import openid
from .nginx import Nginx
from .served import browser as plain_browser
from .served import environment_of, free_port, serving

pytestmark = pytest.mark.needs("chromium", "chromium")


@pytest.fixture(scope="module")
def address(
    _emulator_and_address: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The portal behind nginx, with a company whose provider knows everybody as Ada."""
    folder, port = tmp_path_factory.mktemp("planted"), free_port()
    with Nginx(folder, [port]) as nginx, openid.running() as company:
        environment = environment_of(
            *_emulator_and_address,
            DATABASE_URL=f"sqlite:///{folder / 'portal.sqlite3'}",
            DCS_DEMO="off",
            DCS_PROJECT_GROUPS="dcs-all",
            PORTAL_URL=nginx.url,
            TRUSTED_PROXIES="127.0.0.1",
            SSO_ISSUER=company.issuer,
            SSO_CLIENT_ID=openid.CLIENT_ID,
            SSO_CLIENT_SECRET=openid.CLIENT_SECRET,
        )
        with serving(environment, port=port):
            yield nginx.url


def begun_by_an_attacker(address: str) -> tuple[str, str, str]:
    """Return the callback of a sign-in that somebody else began, and its cookie."""
    attacker = plain_browser()
    start = attacker.get(f"{address}/sso/start/?next=/", allow_redirects=False, verify=False)
    ((name, morsel),) = SimpleCookie(start.headers["Set-Cookie"]).items()
    back = attacker.get(start.headers["Location"], allow_redirects=False)
    return back.headers["Location"], name, morsel.value


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize(
    ("prefix", "attributes", "signs_in"),
    [
        ("__Host-", "Path=/; Domain=localhost", False),
        ("__Secure-", "Path=/", False),
        ("", "Path=/sso/", False),
        ("\u2003__Host-", "Path=/sso/", False),
        # What the portal's own pages alone can do: the others fail by their names.
        ("__Host-", "Path=/", True),
    ],
)
def test_a_planted_cookie_signs_nobody_in_as_somebody_else(
    browser: Browser, address: str, prefix: str, attributes: str, signs_in: bool
) -> None:
    callback, name, value = begun_by_an_attacker(address)
    name = prefix + name.removeprefix("__Host-")
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{address}/signed-out/")
    page.evaluate("cookie => { document.cookie = cookie; }", f"{name}={value}; {attributes}; Secure")

    response = page.goto(callback)

    assert response is not None
    assert response.status == (200 if signs_in else 400)
    names = {cookie.get("name") for cookie in context.cookies()}
    context.close()
    assert ("__Host-portal_session" in names) == signs_in
