"""The portal as a WSGI application; it refuses to start on wrong settings."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from dcsportal.postgresql import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcsportal.settings")


def _application() -> WSGIHandler:
    try:
        application = get_wsgi_application()
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
    # These need the apps.
    from backups.management.starting import refuse_wrong_settings
    from backups.services import collector, listings

    from . import metrics
    from .sso.failures import STATUS

    # `./run serve` has checked already; a reload, and a WSGI server that was started by hand, have not.
    refuse_wrong_settings()
    listings.begin_metrics(settings.DCS_PROJECTS)
    collector.begin_metrics(settings.DCS_PROJECTS)
    metrics.begin(STATUS)
    Connection.answer_seconds = 5.0  # the portal's queries take milliseconds
    return application


application = _application()
