"""The id of a request: on its answer, and on every log line that was written for it."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from .addresses import is_in

HEADER = "X-Request-ID"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


@dataclass(frozen=True, slots=True)
class Current:
    """The request that is being answered. `secrets` are its own: no log line may hold them."""

    id: str = ""
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Current({self.id})"


NO_REQUEST = Current()
current: ContextVar[Current] = ContextVar("request", default=NO_REQUEST)


def current_of(request: HttpRequest) -> Current:
    """Return what is logged of a request: the id that a trusted proxy gave it, or a new one."""
    secrets = (request.COOKIES.get(settings.SESSION_COOKIE_NAME), request.META.get("HTTP_AUTHORIZATION"))
    return Current(_given(request) or os.urandom(12).hex(), tuple(s for s in secrets if s and len(s) >= 8))


def _given(request: HttpRequest) -> str:
    """Return a trusted proxy's id if no log and no page can be harmed by it."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    trusted = given and is_in(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)
    return given if trusted and _SAFE.fullmatch(given) else ""
