"""The provider's logout call: its token says, signed, that somebody's session there has ended.

As OpenID Connect Back-Channel Logout 1.0 has it, section 2.6.
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from . import audit
from .claims import SKEW, Claims, checked_claims, is_subject
from .failures import SignInFailure
from .models import UsedLogoutToken
from .provider import provider
from .sessions import end_sessions_of

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A token is sent at once: an older one was kept by somebody.
OLDEST = 600
TYPES = ("logout+jwt", "application/logout+jwt", "jwt")


@csrf_exempt  # the provider calls, with a token that it signed
@login_not_required
@sensitive_post_parameters()
@require_POST
def back_channel_logout(request: HttpRequest) -> HttpResponse:
    """End the sessions that the provider's logout token names."""
    provider()  # which is a 404 where there is none
    try:
        claims = _checked(request.POST.get("logout_token", ""))
    except SignInFailure as failure:
        audit.refusal(request, "back-channel-logout", failure.reason)
        body = {"error": "invalid_request", "error_description": failure.reason[:200]}
        return JsonResponse(body, status=503 if failure.kind == "unavailable" else 400)
    issuer, subject = claims["iss"], claims.get("sub", "")
    ended = end_sessions_of(issuer=issuer, subject=subject, sid=claims.get("sid", ""))
    audit.record(request, "back-channel-logout", who=subject or None, issuer=issuer, sessions=ended)
    return HttpResponse()


def _checked(logout_token: str) -> Claims:
    """Return the claims of a logout token that is used for the first time."""
    token = provider().verified(logout_token)
    claims = checked_claims(token, issuer=provider().metadata().issuer, essential=("iat", "jti"))
    events = claims.get("events")
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    for is_wrong, reason in (
        (
            str(token.header.get("typ", "JWT")).lower() not in TYPES,
            "the token's type is not that of a logout token",
        ),
        # exp came late into the standard: every token ages by its iat.
        (claims["iat"] < time.time() - OLDEST - SKEW, "the logout token is too old"),
        (
            not isinstance(events, dict) or not isinstance(events.get(EVENT), dict),
            "the token is no logout token (events)",
        ),
        ("nonce" in claims, "a logout token has no nonce: this is an ID token"),
        (not named or not all(map(is_subject, named)), "the logout token names neither sub nor sid"),
    ):
        if is_wrong:
            raise SignInFailure("untrusted", reason)
    _use_once(claims)
    return claims


def _use_once(claims: Claims) -> None:
    digest = hashlib.sha256(f"{claims['iss']} {claims['jti']}".encode("utf-8", "replace")).hexdigest()
    UsedLogoutToken.objects.filter(expires_at__lte=timezone.now()).delete()
    expires = datetime.fromtimestamp(claims["iat"], UTC) + timedelta(seconds=OLDEST + 2 * SKEW)
    try:
        with transaction.atomic():
            UsedLogoutToken.objects.create(digest=digest, expires_at=expires)
    except IntegrityError:
        raise SignInFailure("untrusted", "the logout token was used already") from None
