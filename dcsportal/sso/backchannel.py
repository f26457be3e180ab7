"""The provider's logout token: a signed word that somebody's session there has ended.

As OpenID Connect Back-Channel Logout 1.0 has it, section 2.6.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from .claims import SKEW, Claims, is_subject, logout_token_claims
from .failures import SignInFailure
from .models import UsedLogoutToken
from .provider import provider
from .sessions import end_sessions_of

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A token is sent at once: an older one was kept by somebody.
OLDEST = 600
TYPES = ("logout+jwt", "application/logout+jwt", "jwt")


@dataclass(frozen=True, slots=True)
class Ended:
    issuer: str
    subject: str
    sessions: int

    @property
    def facts(self) -> dict[str, Any]:
        return {"who": self.subject or None, "issuer": self.issuer}


def log_out(logout_token: str) -> Ended:
    """End the sessions that a logout token names, after every check of it."""
    token = provider().verified(logout_token)
    if str(token.header.get("typ", "JWT")).lower() not in TYPES:
        raise SignInFailure("untrusted", "the token's type is not that of a logout token")
    issuer = provider().metadata().issuer
    claims = logout_token_claims(token, issuer=issuer, client_id=settings.SSO_CLIENT_ID)
    # exp came late into the standard: every token ages by its iat.
    if claims["iat"] < time.time() - OLDEST - SKEW:
        raise SignInFailure("untrusted", "the logout token is too old")
    subject, sid = _named(claims)
    _use_once(claims, issuer)
    return Ended(issuer, subject, end_sessions_of(issuer=issuer, subject=subject, sid=sid))


def _named(claims: Claims) -> tuple[str, str]:
    """Return subject and sid, of which one may be empty."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise SignInFailure("untrusted", "the token is no logout token (events)")
    if "nonce" in claims:
        raise SignInFailure("untrusted", "a logout token has no nonce: this is an ID token")
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or not all(is_subject(value) for value in named):
        raise SignInFailure("untrusted", "the logout token names neither sub nor sid")
    return claims.get("sub", ""), claims.get("sid", "")


def _use_once(claims: Claims, issuer: str) -> None:
    digest = hashlib.sha256(f"{issuer} {claims['jti']}".encode("utf-8", "replace")).hexdigest()
    UsedLogoutToken.objects.filter(expires_at__lte=timezone.now()).delete()
    expires = datetime.fromtimestamp(claims["iat"], UTC) + timedelta(seconds=OLDEST + 2 * SKEW)
    try:
        with transaction.atomic():
            UsedLogoutToken.objects.create(digest=digest, expires_at=expires)
    except IntegrityError:
        raise SignInFailure("untrusted", "the logout token was used already") from None
