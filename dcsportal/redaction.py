"""Keeps secrets out of the logs: those that this installation knows, and what looks like one.

The last line of defence: nothing is meant to log a secret, but a library's error may quote a
header, an address with a password in it, or a whole request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

REDACTED = "[redacted]"
# A shorter one may be a part of any word, such as a database's password `portal`; the patterns still apply.
SHORTEST = 8

# What stands between a name and its value, in a header, a form, JSON, or JSON within JSON.
_IS = r"\\?[\"']?\s*[=:]\s*\\?[\"']?"
_NAMES = (
    r"(?:[\w-]+[_-])?(?:password|passwd|pwd|secret|token|signature|secret_key|session_key|api_?key|verifier)",
    r"csrfmiddlewaretoken|(?:__Host-)?portal_(?:session|csrf)|(?:__Host-)?sso-[\w-]+",
)
# A line without one of its marks is not searched for a pattern: a search costs as much as all the rest.
_NAME_MARKS = (
    *("passw", "pwd", "secret", "token", "signature", "session_key", "api_key", "apikey", "verifier"),
    *("portal_session", "portal_csrf", "sso-"),
)
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # A whole header: what its scheme is does not matter.
    (("authoriz",), re.compile(rf"(\b(?:proxy-)?authorization{_IS})[^\"'\\\r\n]+", re.I), rf"\1{REDACTED}"),
    (("cookie",), re.compile(rf"(\b(?:set-)?cookie{_IS})[^\"'\\\r\n]+", re.I), rf"\1{REDACTED}"),
    (("bearer",), re.compile(r"(\bbearer\s+)[\w.~+/=-]{8,}", re.I), rf"\1{REDACTED}"),
    (("basic ",), re.compile(r"(\bbasic\s+)(?=\S*[\d=])[\w+/=-]{12,}", re.I), rf"\1{REDACTED}"),
    (
        _NAME_MARKS,
        re.compile(rf"((?<![\w-])(?:{'|'.join(_NAMES)}){_IS})[^\s\"'\\&,;)}}\]]+", re.I),
        rf"\1{REDACTED}",
    ),
    # PostgreSQL says: Key (session_key)=(…) already exists.
    ((")=(",), re.compile(r"(\((?:session_key|digest|id)\)=\()[^)]+"), rf"\1{REDACTED}"),
    (("@",), re.compile(r"(://[^/\s:@\"'\\]*:)[^/\s\"'\\]+(?=@)"), rf"\1{REDACTED}"),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), REDACTED),
)


class Redactor:
    """Cleans texts of the given secrets, however they are quoted, and of what looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: a key may be a part of a token.
        self._secrets = sorted(known, key=len, reverse=True)

    def clean(self, text: str, *more: str) -> str:
        """Return the text without the secrets; `more` are secrets of this request alone."""
        for secret in (*self._secrets, *more):
            if secret in text:
                text = text.replace(secret, REDACTED)
        lowered = text.lower()
        for marks, pattern, put in _PATTERNS:
            for mark in marks:
                if mark in lowered:
                    text = pattern.sub(put, text)
                    break
        return text


def _forms(secret: str) -> set[str]:
    """Return a secret as it stands in a log: as it is, in JSON, in an address, in a repr."""
    plain = {secret, quote(secret, safe=""), repr(secret)[1:-1], *_in_json(secret)}
    # The line itself is JSON too.
    return plain.union(*(_in_json(form) for form in plain))


def _in_json(text: str) -> set[str]:
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def secrets_of_settings() -> set[str]:
    """Return every secret that the settings hold."""
    found: set[str] = {settings.METRICS_TOKEN, settings.SSO_CLIENT_SECRET, *settings.SECRET_KEY_FALLBACKS}
    with suppress(ImproperlyConfigured):  # it is missing
        found.add(settings.SECRET_KEY)
    for project in settings.DCS_PROJECTS.values():
        found.update(project["credentials"].secrets)
    found.update(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    for cache in settings.CACHES.values():
        found.update(_passwords_in(cache.get("LOCATION", "")))
    return found - {""}


def _passwords_in(location: Any) -> set[str]:
    addresses = [location] if isinstance(location, str) else list(location)
    raw = {urlsplit(address).password or "" for address in addresses if "://" in address}
    return raw | {unquote(password) for password in raw}


@lru_cache(maxsize=1)
def _of_settings() -> Redactor:
    return Redactor(secrets_of_settings())


def redactor() -> Redactor:
    """Return the redactor of this installation; before Django is set up, it knows the patterns only."""
    return _of_settings() if settings.configured else _NO_SECRETS


_NO_SECRETS = Redactor(())
