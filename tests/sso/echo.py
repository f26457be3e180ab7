"""A WSGI application that answers what its server made of the viewer's header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(environ.get("HTTP_X_FORWARDED_USER")).encode()]
