"""From a person whom the sign-in vouches for to a session of the portal."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.utils import timezone

from .models import Viewer


def start_session(
    request: HttpRequest, *, issuer: str, subject: str, name: str, email: str, groups: list[str]
) -> Viewer:
    """Sign the person in under a new session id; the session ends SSO_SESSION_HOURS from now, used or not."""
    viewer, _ = Viewer.objects.update_or_create(
        issuer=issuer, subject=subject, defaults={"name": name, "email": email, "groups": groups}
    )
    # Somebody else's session in this browser must not lend its data, nor its id, to this one.
    request.session.flush()
    login(request, viewer)
    request.session.set_expiry(timezone.now() + timedelta(hours=settings.SSO_SESSION_HOURS))
    return viewer
