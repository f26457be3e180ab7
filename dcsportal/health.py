"""Is the process alive, and could it serve a page?"""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database, the cache or the settings are unusable; the log says why."""
    states = {"database": _database_works(), "cache": _cache_works(), "settings": _settings_are_right()}
    ready = all(states.values())
    body = {"ready": ready} | {name: "ok" if works else "failed" for name, works in states.items()}
    return JsonResponse(body, status=200 if ready else 503)


def _database_works() -> bool:
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        logger.error("The database does not answer: %s", error)
        return False


def _cache_works() -> bool:
    token = secrets.token_hex(8)
    try:
        cache.set(f"ready-{token}", token, timeout=5)
        return bool(cache.get(f"ready-{token}") == token)
    except (RedisError, OSError) as error:
        logger.error("The cache does not answer: %s", error)
        return False


def _settings_are_right() -> bool:
    problems = run_checks(tags=["portal"], include_deployment_checks=not settings.DEBUG)
    return not any(problem.level >= ERROR for problem in problems)
