"""When the portal itself fails: a page with the number by which the logs find it, and no secret anywhere."""

from __future__ import annotations

import re
import sys
from collections.abc import ItemsView
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.template.defaultfilters import pprint
from django.views.debug import SafeExceptionReporterFilter

from .logging import current, redacted


class OwnFailure(HttpResponse):
    """The page of a failure of the portal itself: it shows nothing, and nobody may know whose it is."""


def server_error(request: HttpRequest) -> HttpResponse:
    """Render what Django shows for an exception: a database that is away is not the portal's own error."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    # Without the request: whatever failed may fail again in a context processor.
    page = loader.render_to_string("503.html" if away else "500.html", {"number": current.get().id})
    if away:
        return OwnFailure(page, status=503, headers={"Retry-After": "5"})
    return OwnFailure(page, status=500)


class ReporterFilter(SafeExceptionReporterFilter):
    """What DEBUG shows of settings, headers and local values, without what is secret."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern
        + r"|(?:^|_)(?:AK|SK)(?:_|$)|DATABASE_URL|CACHE_URL|LOCATION|COOKIE|CREDENTIALS|SESSION|VERIFIER",
        flags=re.IGNORECASE,
    )

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return redacted(cleansed) if isinstance(cleansed, str) else cleansed

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: Any
    ) -> ItemsView[str, Any]:
        variables = dict(super().get_traceback_frame_variables(request, tb_frame))
        return {name: self.cleanse_setting(name, pprint(value)) for name, value in variables.items()}.items()
