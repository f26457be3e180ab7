"""Is the process alive, and could it serve a page?"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from backups.services.listings import dcs_state

logger = logging.getLogger(__name__)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database or the settings are unusable; the log says why.

    What DCS last answered is told too, but a server that shows old listings is as good as any.
    """
    states = states_in(int(time.monotonic()))
    ready = all(states.values())
    body = {"ready": ready} | {name: "ok" if works else "failed" for name, works in states.items()}
    body["dcs"] = dcs_state(time.monotonic())
    return JsonResponse(body, status=200 if ready else 503)


@lru_cache(maxsize=1)
def states_in(second: int) -> dict[str, bool]:
    """Return what works; whoever asks more often than each second, and anybody may, gets the last answer."""
    problems = run_checks(tags=["portal"], include_deployment_checks=not settings.DEBUG)
    return {
        "database": _database_works(),
        "settings": not any(problem.level >= ERROR for problem in problems),
    }


# Looked for until it is so once: an upgrade lays newer migrations beside the version that still runs.
_migrated = threading.Event()


def _database_works() -> bool:
    try:
        if not _migrated.is_set() and is_migrated():
            _migrated.set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.error("The database does not answer: %s", error)
        return False
    return _migrated.is_set()


def forget() -> None:
    states_in.cache_clear()
    _migrated.clear()


def is_migrated() -> bool:
    """Tell whether the database has all tables that this version needs."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
