"""What is wrong with the settings together, or for production, as system checks.

An error stops the start. What an operator should merely know is an Info, which the doctor tells too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register
from django.core.exceptions import ImproperlyConfigured

from backups.management.private_files import open_to_others

from .environment import is_loopback


@register("portal")
def what_is_open_to_all_stays_on_loopback(**kwargs: Any) -> Iterator[CheckMessage]:
    """The demo signs in anybody who asks, and may reach nothing real; DEBUG shows code and values."""
    portal = settings.PORTAL_URL
    for name, id in (("DCS_DEMO", "backups.E001"), ("DEBUG", "backups.E009")):
        if getattr(settings, name) and not _is_on_loopback(portal):
            says = f"{name} is on, but PORTAL_URL is {portal}, which is not on loopback."
            yield Error(says, f"Switch {name} off.", id=id)
    for name, project in settings.DCS_PROJECTS.items():
        if settings.DCS_DEMO and not _is_on_loopback(project["endpoint"]):
            says = f"DCS_DEMO is on, but the endpoint of project {name} is not on loopback."
            yield Error(says, "Switch DCS_DEMO off, or take the project out.", id="backups.E002")


def _is_on_loopback(address: str) -> bool:
    return is_loopback(urlsplit(address).hostname or "")


@register("portal", deploy=True)
def viewers_can_be_served(**kwargs: Any) -> Iterator[CheckMessage]:
    try:
        settings.SECRET_KEY  # noqa: B018  # Django raises where it is empty
    except ImproperlyConfigured:
        hint = "Set SECRET_KEY, or SECRET_KEY_FILE, to at least 50 random characters."
        yield Error("SECRET_KEY is missing.", hint, id="backups.E003")
    provider, proxy = settings.SSO_ISSUER, settings.SSO_PROXY_USER_HEADER
    if provider and proxy:
        says = "SSO_ISSUER and SSO_PROXY_USER_HEADER are both set."
        yield Error(says, "Keep the one through which viewers sign in.", id="backups.E004")
    elif provider and not settings.SSO_CLIENT_ID:
        says = "SSO_ISSUER is set, but SSO_CLIENT_ID is missing."
        hint = "Set SSO_CLIENT_ID to the name under which the provider knows the portal."
        yield Error(says, hint, id="backups.E007")
    elif proxy and not settings.SSO_TRUSTED_PROXIES:
        says = "SSO_PROXY_USER_HEADER is set, but SSO_TRUSTED_PROXIES is empty."
        hint = "List the addresses or networks of the sign-in proxy; others are refused."
        yield Error(says, hint, id="backups.E008")
    elif not any((provider, proxy, settings.DCS_DEMO, settings.DEBUG)):
        hint = "Set SSO_ISSUER with SSO_CLIENT_ID and SSO_CLIENT_SECRET, or SSO_PROXY_USER_HEADER."
        yield Error("No sign-in is configured.", hint, id="backups.E005")
    if not settings.DCS_PROJECTS and not settings.DEBUG:
        hint = "Set DCS_REGION, DCS_PROJECT_ID, DCS_AK and DCS_SK, or DCS_PROJECTS_FILE for several."
        yield Error("No DCS project is configured.", hint, id="backups.E006")


@register("operations", deploy=True)
def operators_know(**kwargs: Any) -> Iterator[CheckMessage]:
    path = Path(os.environ.get("ENV_FILE", str(settings.BASE_DIR / ".env")) or os.devnull)
    if path.is_file() and path.stat().st_mode & stat.S_IROTH:
        says = f"{path} can be read by everybody on this machine."
        yield Info(says, f"Run: chmod o-r {path}", id="backups.I001")
    if found := sorted(open_to_others(Path(settings.VAR_DIR))):
        says = (
            f"Others on this machine have a right to files of the portal ({len(found)}), such as {found[0]}."
        )
        hint = f"Run as their owner: chmod -R go= {settings.VAR_DIR}. ./run serve does so when it starts."
        yield Info(says, hint, id="backups.I002")
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        says = "TRUSTED_PROXIES is empty, so behind a proxy all viewers seem to have its address: "
        says += "in the audit, and where links that wait for a sign-in are limited by address."
        yield Info(says, "Set it to the addresses of the proxy that ends TLS.", id="backups.I003")
    if not settings.METRICS_TOKEN and not settings.ON_LOOPBACK:
        says = "METRICS_TOKEN is not set, so /metrics is closed."
        yield Info(says, "Set it if you use Prometheus.", id="backups.I004")
    for name in settings.NO_LONGER_USED:
        says = f"{name} is set, but no longer used: the database keeps what was cached."
        yield Info(says, f"Take {name} out of the environment.", id="backups.I006")
    if settings.SECRET_KEY_FALLBACKS:
        hint = f"Empty it {settings.SSO_SESSION_HOURS} hours after SECRET_KEY was changed."
        yield Info("SECRET_KEY_FALLBACKS still holds earlier keys.", hint, id="backups.I005")
