"""The token of a page's forms, at a fifth of the cost of Django's own, which draws its letters one by one.

It is Django's token in every other way: the secret of the viewer's cookie, masked anew for each page, so that
no two pages hold the same letters. The cookie is not sent again with each page; signing in renews it.
"""

from __future__ import annotations

from secrets import token_bytes
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token
from django.utils.functional import SimpleLazyObject

_PLACE_OF = {letter: place for place, letter in enumerate(CSRF_ALLOWED_CHARS)}
_LETTERS = len(CSRF_ALLOWED_CHARS)
# The bytes below are a multiple of the letters: each letter is as likely as any other.
_EVEN = 256 - 256 % _LETTERS


def csrf_token(request: HttpRequest) -> dict[str, Any]:
    """A context processor; a page without a form has no token made."""
    return {"csrf_token": SimpleLazyObject(lambda: token_of(request))}


def token_of(request: HttpRequest) -> str:
    secret = request.META.get("CSRF_COOKIE")
    if not isinstance(secret, str) or len(secret) != CSRF_SECRET_LENGTH:
        return get_token(request)  # which makes the secret and sends it
    mask = _mask()
    cipher = [
        CSRF_ALLOWED_CHARS[(_PLACE_OF[letter] + place) % _LETTERS]
        for letter, place in zip(secret, mask, strict=True)
    ]
    return "".join([*(CSRF_ALLOWED_CHARS[place] for place in mask), *cipher])


def _mask() -> list[int]:
    places: list[int] = []
    while len(places) < CSRF_SECRET_LENGTH:
        places += [byte % _LETTERS for byte in token_bytes(2 * CSRF_SECRET_LENGTH) if byte < _EVEN]
    return places[:CSRF_SECRET_LENGTH]
