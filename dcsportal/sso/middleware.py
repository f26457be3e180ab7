"""Every page needs a signed-in viewer, except the few that say otherwise (login_not_required).

Behind a sign-in proxy, it says in headers who the viewer is, in every request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from dcsportal.links import LONGEST_LINK, link_of, shown_link, sign_in_link
from dcsportal.middleware import is_in

from .backend import PROXY as ISSUER
from .claims import clean, group_names, is_subject, refuse_without_a_group
from .failures import SignInFailure, failure_page, too_long
from .models import Viewer
from .sessions import start_session

# A page of any site may load these within itself, as often as it likes and unseen.
_WITHIN_PAGES = ("embed", "fencedframe", "frame", "iframe", "object")
_TOLD_APART_BY = ("Accept", "HX-Request", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Purpose")

View = Callable[..., HttpResponseBase]

logger = logging.getLogger(__name__)


class SignInRequired(LoginRequiredMiddleware):
    """Sends a navigation to the sign-in with its link; answers 401 to what runs behind a page."""

    def process_view(self, request: HttpRequest, view_func: View, *args: Any) -> HttpResponseBase | None:
        match = request.resolver_match
        if match and match.url_name == "sso-start" and not is_navigation(request):
            # Another site's page, full of images of this address: it costs nothing, and counts for nobody.
            return self.handle_no_permission(request, view_func)
        return super().process_view(request, view_func, *args)

    def handle_no_permission(  # type: ignore[override]  # a redirect is not the only answer
        self, request: HttpRequest, view_func: View
    ) -> HttpResponse:
        response = _to_sign_in(request) if is_navigation(request) else _signed_out(request)
        patch_vary_headers(response, _TOLD_APART_BY)
        return response


def is_navigation(request: HttpRequest) -> bool:
    """Tell whether a viewer opens a page: no script, image or frame of one, and no guess of the next one."""
    headers = request.headers
    if "HX-Request" in headers or "Sec-Purpose" in headers or headers.get("Sec-Fetch-Dest") in _WITHIN_PAGES:
        return False
    # Old browsers say no mode: for an image they accept image/webp,*/*.
    accept = headers.get("Accept", "*/*")
    takes_page = "text/html" in accept or accept.strip() == "*/*"
    return takes_page and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    # The address of a form is no page: its viewer comes back to the page that it stood on.
    link = link_of(request) if request.method in ("GET", "HEAD") else shown_link(request)
    if len(link) > LONGEST_LINK:
        return failure_page(request, too_long(link))
    return HttpResponse(status=302, headers={"Location": sign_in_link(link)})


def _signed_out(request: HttpRequest) -> JsonResponse:
    link = sign_in_link(shown_link(request))
    body = {"error": "signed_out", "message": _("You are signed out."), "sign_in": link}
    return JsonResponse(body, status=401, headers={"HX-Redirect": link})


# The sign-in proxy ------------------------------------------------------------


class ProxySignIn(MiddlewareMixin):
    """Takes the viewer from the proxy's headers; a request that brings none has no viewer, session or not."""

    def process_view(self, request: HttpRequest, view: View, *args: Any) -> HttpResponse | None:
        # Pages for everybody, such as health and signing out, look at no viewer.
        if not settings.SSO_PROXY_USER_HEADER or not getattr(view, "login_required", True):
            return None
        try:
            if person := named_in(request):
                refuse_without_a_group(person)
                _enter(request, person)
            else:
                request.user = AnonymousUser()
        except SignInFailure as failure:
            return failure_page(request, failure)
        return None


def _enter(request: HttpRequest, person: Viewer) -> None:
    """Make the session that of this viewer, as the proxy describes them now."""
    known: Any = request.user
    if not known.is_authenticated or (known.issuer, known.subject) != (ISSUER, person.subject):
        start_session(request, person)
    elif (known.name, known.groups) != (person.name, person.groups):
        known.name, known.groups = person.name, person.groups
        Viewer.objects.filter(pk=known.pk).update(name=person.name, groups=person.groups)


def named_in(request: HttpRequest) -> Viewer | None:
    """Return the viewer whom the headers name; only a trusted proxy may name one."""
    user = _value(request, settings.SSO_PROXY_USER_HEADER)
    if not user:
        return None
    address = request.META.get("REMOTE_ADDR", "")
    if not is_in(address, settings.SSO_TRUSTED_PROXIES):
        reason = f"{settings.SSO_PROXY_USER_HEADER} from {address}, which is not in SSO_TRUSTED_PROXIES"
        logger.warning("Refused: %s.", reason)
        raise SignInFailure("past-proxy", reason)
    # Two headers of one name reach the portal as one value with a comma between.
    if "," in user or not is_subject(user):
        reason = f"{settings.SSO_PROXY_USER_HEADER} holds more than one name, or one that cannot be read"
        logger.warning("Refused: %s (from %s).", reason, address)
        raise SignInFailure("ambiguous", reason)
    return Viewer(
        issuer=ISSUER,
        subject=user,
        name=clean(_value(request, settings.SSO_PROXY_NAME_HEADER), 255) or user,
        email=user if "@" in user and len(user) <= 254 else "",
        groups=group_names(_value(request, settings.SSO_PROXY_GROUPS_HEADER)),
    )


def _value(request: HttpRequest, header: str) -> str:
    """Return a header's value; WSGI hands over its bytes as Latin-1, proxies write UTF-8."""
    value = str(request.headers.get(header, ""))
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    return value.strip(" \t")
