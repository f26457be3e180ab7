"""/bare/ goes through no middleware at all, all else through the portal's."""

from __future__ import annotations

from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

django.setup(set_prefix=False)

behind = WSGIHandler()
with override_settings(MIDDLEWARE=[]):
    bare = WSGIHandler()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    handler = bare if environ["PATH_INFO"] == "/bare/" else behind
    return handler(environ, start_response)
