"""Language, zone, theme and keys of one viewer: kept in cookies, so that they work signed out too."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backups.guards import set_cookie
from backups.services.history import in_zone
from backups.services.pasted import typed_zone, zone_guesses
from backups.services.words import known_zone

from .links import safe_link, see_other
from .middleware import GetResponse

THEMES = ("system", "light", "dark")
ZONE_COOKIE = f"{settings.COOKIE_PREFIX}portal_zone"
THEME_COOKIE = f"{settings.COOKIE_PREFIX}portal_theme"
KEYS_COOKIE = f"{settings.COOKIE_PREFIX}portal_keys"
UTC = ZoneInfo("UTC")
# By the names of their fields: the cookie, and the values that are known.
KNOWN: dict[str, tuple[str, Container[str]]] = {
    "language": (settings.LANGUAGE_COOKIE_NAME, dict(settings.LANGUAGES)),
    "theme": (THEME_COOKIE, THEMES),
    "keys": (KEYS_COOKIE, ("on", "off")),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    zone: ZoneInfo = UTC
    theme: str = "system"
    keys: bool = True


def preferences_of_viewer(get_response: GetResponse) -> GetResponse:
    """Set `request.preferences`; what a cookie says wrongly counts as not said."""

    def middleware(request: HttpRequest) -> HttpResponse:
        theme = request.COOKIES.get(THEME_COOKIE, "")
        request.preferences = Preferences(  # type: ignore[attr-defined]
            zone=known_zone(request.COOKIES.get(ZONE_COOKIE, "")) or UTC,
            theme=theme if theme in THEMES else "system",
            keys=request.COOKIES.get(KEYS_COOKIE) != "off",
        )
        return get_response(request)

    return middleware


def for_templates(request: HttpRequest) -> dict[str, Any]:
    """Return what every template may use, also that of an error before any middleware."""
    preferences = getattr(request, "preferences", Preferences())
    return {
        "demo": settings.DCS_DEMO,
        "theme": preferences.theme,
        "zone_name": preferences.zone.key,
        "keys_on": preferences.keys,
    }


@login_not_required
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep what the form has of language, zone, theme and keys, and go back to where it was sent from."""
    sent, link = request.POST, safe_link(request.POST.get("next", ""))
    cookies = {}
    if "zone" in sent:
        if not (zone := typed_zone(sent["zone"])):
            return _refused_zone(request, sent["zone"])
        cookies[ZONE_COOKIE] = zone
        link = in_zone(link, zone, now=timezone.now())
    for field, (cookie, known) in KNOWN.items():
        if field in sent:
            if sent[field] not in known:
                sentence = _("The portal does not know this value of %(field)s.") % {"field": field}
                return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")
            cookies[cookie] = sent[field]
    response = see_other(link)
    if "HX-Request" in request.headers:  # a script cannot read where a redirect leads
        response.status_code = 204
    for cookie, value in cookies.items():
        set_cookie(response, cookie, value, seconds=365 * 86_400)
    return response


def _refused_zone(request: HttpRequest, typed: str) -> HttpResponse:
    """Say that there is no such zone, and which may be meant: in the menu, or on a page without a script."""
    link = safe_link(request.POST.get("next", ""))
    context = {"guesses": zone_guesses(typed), "next": link, "typed": typed[:100]}
    template = "_zone_refused.html" if "HX-Request" in request.headers else "zone_refused.html"
    return render(request, template, context, status=400)
