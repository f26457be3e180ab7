"""Chromium over https, where another host of the domain, or a plain page, plants a cookie of the sign-in."""

from http.cookies import SimpleCookie

import pytest

pytestmark = pytest.mark.needs("chromium", "chromium")


def begun_by_an_attacker(production):
    """Return the callback of a sign-in that somebody else began, and its cookie."""
    attacker = production.nginx.browser()
    start = attacker.get(f"{production.url}/sso/start/?next=/", allow_redirects=False)
    ((name, morsel),) = SimpleCookie(start.headers["Set-Cookie"]).items()
    back = attacker.get(start.headers["Location"], allow_redirects=False)
    return back.headers["Location"], name, morsel.value


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
def test_a_planted_cookie_signs_nobody_in_as_somebody_else(browser, production, prefix, attributes, signs_in):
    callback, name, value = begun_by_an_attacker(production)
    name = prefix + name.removeprefix("__Host-")
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{production.url}/signed-out/")
    page.evaluate("cookie => { document.cookie = cookie; }", f"{name}={value}; {attributes}; Secure")

    response = page.goto(callback)

    assert response is not None
    assert response.status == (200 if signs_in else 400)
    names = {cookie.get("name") for cookie in context.cookies()}
    context.close()
    assert ("__Host-portal_session" in names) == signs_in
