"""Language, zone, theme and keys of one viewer: kept in cookies, so that they work signed out too."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote_plus
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backups.guards import set_cookie
from backups.services.history import utc_text
from backups.services.pasted import UnreadableTime, asked_time, iso_bound, typed_zone, zone_guesses
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
        link = _in_zone(link, zone, timezone.now())
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


def _in_zone(link: str, chosen: str, now: datetime) -> str:
    """Return a link without its `tz`; a time that was read in that zone is the same one in UTC from then on.

    The link of a recovery point always names a zone: the chosen one.
    """
    page, hash_mark, fragment = link.partition("#")
    path, _mark, query = page.partition("?")
    parts = [(part, *map(unquote_plus, part.partition("=")[::2])) for part in query.split("&")]
    names = [name for _, name, _ in parts]
    zones = {value for _, name, value in parts if _is_zone(name)} - {""}
    zone = known_zone(zones.pop()) if len(zones) == 1 else None
    names_zone = not any(name == "at" and value for _, name, value in parts)
    kept = []
    for part, name, value in parts:
        if not _is_zone(name):
            # Of several values none counts.
            moment = _moment_in(zone, name, value.strip(), now) if zone and names.count(name) == 1 else None
            kept.append(f"{name}={utc_text(moment)}" if moment else part)
        elif not names_zone:
            kept.append(f"tz={quote(chosen)}")
            names_zone = True
    left = "&".join(kept)
    return f"{path}{'?' if left else ''}{left}{hash_mark}{fragment}"


def _is_zone(name: str) -> bool:
    return name.removeprefix("amp;") == "tz"


def _moment_in(zone: ZoneInfo, name: str, value: str, now: datetime) -> datetime | None:
    """Return what a value of at, from or to means in a zone, None where it is no time or needs no zone."""
    if name == "at":
        try:
            asked = asked_time(value, zone=zone, now=now)
        except UnreadableTime:
            return None
        return None if asked.own_zone else asked.at
    if name not in ("from", "to"):
        return None
    in_zone, in_utc = (iso_bound(value, one, days_after=int(name == "to")) for one in (zone, UTC))
    return None if in_zone == in_utc else in_zone


def _refused_zone(request: HttpRequest, typed: str) -> HttpResponse:
    """Say that there is no such zone, and which may be meant: in the menu, or on a page without a script."""
    link = safe_link(request.POST.get("next", ""))
    context = {"guesses": zone_guesses(typed), "next": link, "typed": typed[:100]}
    template = "_zone_refused.html" if "HX-Request" in request.headers else "zone_refused.html"
    return render(request, template, context, status=400)
