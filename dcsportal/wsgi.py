"""The portal as a WSGI application; it refuses to start on wrong settings."""

from __future__ import annotations

import os
import sys

from django.core.checks import ERROR, run_checks
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
    # `./run serve` has checked already; a WSGI server that was started by hand has not.
    problems = [
        problem
        for problem in run_checks(tags=["portal"], include_deployment_checks=True)
        if problem.level >= ERROR
    ]
    if problems:
        problems.sort(key=lambda problem: problem.id or "")
        sys.exit("\n".join(f"{problem.msg} {problem.hint or ''}".strip() for problem in problems))
    _begin_metrics()
    Connection.answer_seconds = 5.0  # the portal's queries take milliseconds
    return application


def _begin_metrics() -> None:
    from django.conf import settings

    from backups.services import listings

    from . import metrics

    listings.begin_metrics(settings.DCS_PROJECTS)
    metrics.begin()


application = _application()
