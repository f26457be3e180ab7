"""In which markup and language a viewer copied for a ticket last: a cookie of theirs tells."""

from __future__ import annotations

from django.conf import settings

from .markup import MARKUPS

COOKIE = f"{settings.COOKIE_PREFIX}portal_ticket"
COOKIE_SECONDS = 365 * 86_400


def copied_last(cookie: str) -> tuple[str, str]:
    """Return the markup, and the language as the cookie has it, which anybody may have written."""
    markup, _, language = cookie.partition(".")
    return markup if markup in MARKUPS else "markdown", language


def as_copied(markup: str, language: str) -> str:
    """Return what the cookie tells the next time."""
    return f"{markup}.{language}"
