"""Settings that are wrong together, or wrong for production, as system checks."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

TAG = "portal"


@register(TAG)
def demo_stays_on_loopback(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The demo signs in anybody who asks: nobody else may reach it, and it may reach nothing real."""
    if not settings.DCS_DEMO:
        return []
    problems: list[CheckMessage] = []
    if not _is_on_loopback(settings.PORTAL_URL):
        problems.append(
            Error(
                f"DCS_DEMO is on, but PORTAL_URL is {settings.PORTAL_URL}, which is not on loopback.",
                hint="Switch DCS_DEMO off.",
                id="backups.E001",
            )
        )
    for name, project in settings.DCS_PROJECTS.items():
        if not _is_on_loopback(project["endpoint"]):
            problems.append(
                Error(
                    f"DCS_DEMO is on, but the endpoint of project {name} is not on loopback.",
                    hint="Switch DCS_DEMO off, or take the project out.",
                    id="backups.E002",
                )
            )
    return problems


@register(TAG)
def debug_stays_on_loopback(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """With DEBUG whoever causes an error reads the code and the values around it."""
    if not settings.DEBUG or _is_on_loopback(settings.PORTAL_URL):
        return []
    return [
        Error(
            f"DEBUG is on, but PORTAL_URL is {settings.PORTAL_URL}, which is not on loopback.",
            hint="Switch DEBUG off.",
            id="backups.E009",
        )
    ]


@register(TAG, deploy=True)
def secret_key_is_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        settings.SECRET_KEY  # noqa: B018  # Django raises where it is empty
    except ImproperlyConfigured:
        return [
            Error(
                "SECRET_KEY is missing.",
                hint="Set SECRET_KEY, or SECRET_KEY_FILE, to at least 50 random characters.",
                id="backups.E003",
            )
        ]
    return []


@register(TAG, deploy=True)
def somebody_can_sign_in(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    company, proxy = bool(settings.SSO_ISSUER), bool(settings.SSO_PROXY_USER_HEADER)
    if company and proxy:
        return [
            Error(
                "SSO_ISSUER and SSO_PROXY_USER_HEADER are both set.",
                hint="Keep the one through which viewers sign in.",
                id="backups.E004",
            )
        ]
    if company or proxy:
        return _incomplete_sign_in()
    if settings.DCS_DEMO or settings.DEBUG:
        return []
    return [
        Error(
            "No sign-in is configured.",
            hint="Set SSO_ISSUER with SSO_CLIENT_ID and SSO_CLIENT_SECRET, or SSO_PROXY_USER_HEADER.",
            id="backups.E005",
        )
    ]


def _incomplete_sign_in() -> list[CheckMessage]:
    if settings.SSO_ISSUER and not settings.SSO_CLIENT_ID:
        return [
            Error(
                "SSO_ISSUER is set, but SSO_CLIENT_ID is missing.",
                hint="Set SSO_CLIENT_ID to the name under which the provider knows the portal.",
                id="backups.E007",
            )
        ]
    if settings.SSO_PROXY_USER_HEADER and not settings.SSO_TRUSTED_PROXIES:
        return [
            Error(
                "SSO_PROXY_USER_HEADER is set, but SSO_TRUSTED_PROXIES is empty.",
                hint="List the addresses or networks of the sign-in proxy; others are refused.",
                id="backups.E008",
            )
        ]
    return []


@register(TAG, deploy=True)
def some_project_is_configured(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DCS_PROJECTS or settings.DEBUG:
        return []
    return [
        Error(
            "No DCS project is configured.",
            hint="Set DCS_REGION, DCS_PROJECT_ID, DCS_AK and DCS_SK, or DCS_PROJECTS_FILE for several.",
            id="backups.E006",
        )
    ]


def _is_on_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
