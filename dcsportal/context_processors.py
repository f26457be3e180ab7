"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .preferences import Preferences


def portal(request: HttpRequest) -> dict[str, Any]:
    preferences = getattr(request, "preferences", Preferences())
    return {
        "demo": settings.DCS_DEMO,
        "theme": preferences.theme,
        "zone_name": preferences.zone_name,
    }
