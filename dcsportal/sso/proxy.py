"""The sign-in proxy in front of the portal: it says in headers who the viewer is, in every request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dcsportal.addresses import is_in

from .backend import PROXY as ISSUER
from .claims import is_subject
from .failures import SignInFailure, failure_page
from .identity import clean, group_names, refuse_without_a_group
from .models import Viewer
from .sessions import start_session

logger = logging.getLogger(__name__)


class ProxySignIn(MiddlewareMixin):
    """Takes the viewer from the proxy's headers; a request that brings none has no viewer, session or not."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        # Pages for everybody, such as health and signing out, look at no viewer.
        if not settings.SSO_PROXY_USER_HEADER or not getattr(view, "login_required", True):
            return None
        try:
            person = named_in(request)
            if person is None:
                request.user = AnonymousUser()
                return None
            refuse_without_a_group(person)
        except SignInFailure as failure:
            return failure_page(request, failure)
        _enter(request, person)
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
    name = _value(request, settings.SSO_PROXY_NAME_HEADER)
    # Two headers of one name reach the portal as one value with a comma between.
    if "," in user or not is_subject(user):
        reason = f"{settings.SSO_PROXY_USER_HEADER} holds more than one name, or one that cannot be read"
        logger.warning("Refused: %s (from %s).", reason, address)
        raise SignInFailure("ambiguous", reason)
    return Viewer(
        issuer=ISSUER,
        subject=user,
        name=clean(name, 255) or user,
        email=user if "@" in user and len(user) <= 254 else "",
        groups=group_names(_value(request, settings.SSO_PROXY_GROUPS_HEADER)),
    )


def _value(request: HttpRequest, header: str) -> str:
    """Return a header's value; WSGI hands over its bytes as Latin-1, proxies write UTF-8."""
    value = request.META.get("HTTP_" + header.upper().replace("-", "_"), "") if header else ""
    try:
        return str(value).encode("latin-1").decode().strip(" \t")
    except UnicodeError:
        return str(value).strip(" \t")
