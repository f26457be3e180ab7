"""From a person whom the sign-in vouches for to a session of the portal, and its end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from . import audit
from .models import ProviderSession, Viewer

# Sessions stay tiny: what signing out at the provider needs is kept beside them, if it is not huge.
LONGEST_HINT = 6000


class SessionStore(db.SessionStore):
    """Looks up ids such as Django makes only: for text with a NUL PostgreSQL would raise an error."""

    def _validate_session_key(self, key: Any) -> bool:
        return bool(isinstance(key, str) and re.fullmatch(r"[a-z0-9]{32}", key))


def start_session(request: HttpRequest, person: Viewer) -> Viewer:
    """Sign the person in under a new session id; the session ends SSO_SESSION_HOURS from now, used or not."""
    described = {"name": person.name, "email": person.email, "groups": person.groups}
    viewer, _ = Viewer.objects.update_or_create(
        issuer=person.issuer, subject=person.subject, defaults=described
    )
    # Somebody else's session in this browser must not lend its data, nor its id, to this one.
    request.session.flush()
    login(request, viewer)
    request.session.set_expiry(_session_end())
    audit.record(request, "sign-in", viewer, groups=viewer.groups)
    return viewer


def _session_end() -> datetime:
    return timezone.now() + timedelta(hours=settings.SSO_SESSION_HOURS)


def remember_provider_session(request: HttpRequest, viewer: Viewer, *, sid: str, id_token: str) -> None:
    """Keep what ends this session from the provider's side (sid) and the provider's from here (ID token)."""
    request.session.save()
    ProviderSession.objects.filter(expires_at__lte=timezone.now()).delete()
    ProviderSession.objects.create(
        session_key=request.session.session_key or "",
        viewer=viewer,
        sid=sid,
        id_token=id_token if len(id_token) <= LONGEST_HINT else "",
        expires_at=_session_end(),
    )


def end_session(request: HttpRequest) -> str:
    """End the session of this browser, and return the ID token with which it began, if it is known."""
    begun = ProviderSession.objects.filter(session_key=request.session.session_key or "").first()
    logout(request)
    if begun:
        begun.delete()
    return begun.id_token if begun else ""


def end_sessions_of(*, issuer: str, subject: str, sid: str) -> int:
    """End the sessions of a subject, or only that of a sid, on every browser; return how many there were."""
    named = {"viewer__issuer": issuer, "viewer__subject": subject, "sid": sid}
    begun = ProviderSession.objects.filter(**{field: value for field, value in named.items() if value})
    keys = list(begun.values_list("session_key", flat=True))
    with transaction.atomic():
        Session.objects.filter(session_key__in=keys).delete()
        ProviderSession.objects.filter(session_key__in=keys).delete()
    return len(keys)
