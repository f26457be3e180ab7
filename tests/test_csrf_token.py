"""A form is taken with the token of its own page, and with no other."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client


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
    altered = tokens[0][:-1] + ("a" if tokens[0][-1] != "a" else "b")
    assert browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": altered}).status_code == 403
    assert browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": first}).status_code == 403
    assert (
        browser.post("/preferences/", {"theme": "dark", "csrfmiddlewaretoken": tokens[0]}).status_code == 303
    )
