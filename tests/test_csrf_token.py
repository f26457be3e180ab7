"""The token of a page's forms is Django's in all but its cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from django.middleware.csrf import CSRF_ALLOWED_CHARS
from django.test import Client, RequestFactory

from dcsportal.csrf_token import token_of

SECRET = "abcdefghijklmnopqrstuvwxyzABCDEF"


def token() -> str:
    request = RequestFactory().get("/")
    request.META["CSRF_COOKIE"] = SECRET
    return token_of(request)


def test_a_token_hides_the_secret_under_a_new_mask_each_time() -> None:
    tokens = [token() for _ in range(200)]

    assert len(set(tokens)) == 200
    for one in tokens:
        mask, cipher = one[:32], one[32:]
        places = [
            (CSRF_ALLOWED_CHARS.index(c) - CSRF_ALLOWED_CHARS.index(m)) % 62
            for c, m in zip(cipher, mask, strict=True)
        ]
        assert "".join(CSRF_ALLOWED_CHARS[place] for place in places) == SECRET


def test_every_letter_of_a_mask_is_as_likely_as_any_other() -> None:
    seen = Counter("".join(token()[:32] for _ in range(2000)))

    assert set(seen) == set(CSRF_ALLOWED_CHARS)
    # 64,000 letters, some 1,032 of each: six standard deviations to both sides.
    assert all(840 < count < 1230 for count in seen.values())


def test_a_form_is_taken_with_the_token_of_its_page_and_with_no_other(
    client_of: Callable[[str], Client],
) -> None:
    client_of("ada")  # the person is known
    browser = Client(enforce_csrf_checks=True)
    [first, *_] = re.findall(
        r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/sign-in/").content.decode()
    )

    assert browser.post("/sign-in/", {"person": "ada"}).status_code == 403
    assert browser.post("/sign-in/", {"person": "ada", "csrfmiddlewaretoken": first}).status_code == 303
    page = browser.get("/")
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())

    assert len(set(tokens)) == 1
    assert "portal_csrf" not in page.cookies
    altered = tokens[0][:-1] + ("a" if tokens[0][-1] != "a" else "b")
    assert browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": altered}).status_code == 403
    assert browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": first}).status_code == 403
    assert (
        browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": tokens[0]}).status_code == 303
    )
