"""Sign-ins that have begun: each has its own state, and its own small cookie in the browser that began it.

The cookie holds a random secret and, where it fits, the link that the viewer opened. State,
nonce and PKCE verifier are made from the secret. A longer link rests in the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from .failures import too_long
from .models import RestingLink

MINUTES = 10
LONGEST_COOKIE = 300
MOST_COOKIES = 12
MOST_RESTING = 10_000
# What a state may carry sealed: providers take states of some hundred characters.
LONGEST_SEALED = 500


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that has begun. The link is "/" where it is no longer known."""

    secret: str
    link: str

    @property
    def id(self) -> str:
        return self._made("state")[:22]

    @property
    def state(self) -> str:
        """What comes back from the provider: the id, and the link sealed, for when the cookie is gone."""
        return f"{self.id}.{_sealed(self.link, self.id)}" if len(self.link) <= LONGEST_SEALED else self.id

    @property
    def nonce(self) -> str:
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        return self._made("verifier")

    def _made(self, purpose: str) -> str:
        return _base64(hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256))


def begin(link: str) -> Pending:
    return Pending(secrets.token_urlsafe(16), link)


def remember(request: HttpRequest, response: HttpResponse, pending: Pending) -> None:
    """Bind the sign-in to this browser; of more than twelve the oldest are dropped."""
    value = _signer().sign_object([pending.secret, pending.link], compress=True)
    name = _prefix() + pending.id
    if len(name) + 1 + len(value) > LONGEST_COOKIE:
        _rest(pending)
        value = _signer().sign_object([pending.secret, None])
    for old in _oldest_first(request)[: -(MOST_COOKIES - 1)]:
        response.delete_cookie(old, path="/sso/")
    response.set_cookie(
        name, value, max_age=MINUTES * 60, path="/sso/", secure=settings.HTTPS, httponly=True, samesite="Lax"
    )


def recall(request: HttpRequest, state: str) -> Pending | None:
    """Return the sign-in of this state that began in this browser at most ten minutes ago."""
    id = state.partition(".")[0]
    content = _content(request, _prefix() + id)
    if content is None:
        return None
    secret, link = content
    pending = Pending(secret, link or _resting(id))
    return pending if hmac.compare_digest(pending.id.encode(), id.encode()) else None


def link_in(state: str) -> str:
    """Return the link of a state whose cookie is gone, "/" where it holds none."""
    id, _, sealed = state.partition(".")
    return _unsealed(sealed, id) or _resting(id)


def forget(response: HttpResponse, state: str) -> None:
    id = state.partition(".")[0]
    response.delete_cookie(_prefix() + id, path="/sso/")
    RestingLink.objects.filter(id=id).delete()


# Cookies -------------------------------------------------------------------------


def _prefix() -> str:
    return "__Secure-sso-" if settings.HTTPS else "sso-"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="dcsportal.sso.pending")


def _content(request: HttpRequest, name: str) -> tuple[str, str | None] | None:
    try:
        secret, link = _signer().unsign_object(request.COOKIES.get(name, ""), max_age=MINUTES * 60)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return secret, link


def _oldest_first(request: HttpRequest) -> list[str]:
    names = [name for name in request.COOKIES if name.startswith(_prefix())]
    return sorted(names, key=lambda name: _begun_at(request.COOKIES[name]))


def _begun_at(value: str) -> int:
    """Return when a cookie was made; what is wrong with it is found out when it is used."""
    try:
        return signing.b62_decode(value.split(":")[-2])
    except (IndexError, ValueError):
        return 0


# Links that do not fit -----------------------------------------------------------


def _rest(pending: Pending) -> None:
    now = timezone.now()
    RestingLink.objects.filter(expires_at__lte=now).delete()
    if RestingLink.objects.count() >= MOST_RESTING:
        raise too_long(pending.link)
    RestingLink.objects.create(id=pending.id, link=pending.link, expires_at=now + timedelta(minutes=MINUTES))


def _resting(id: str) -> str:
    row = RestingLink.objects.filter(id=id[:43], expires_at__gt=timezone.now()).first()
    return row.link if row else "/"


# The link in the state -----------------------------------------------------------
# The provider and its logs have no business with what a viewer looks for: it is sealed, not only signed.


def _sealed(link: str, id: str) -> str:
    nonce = secrets.token_bytes(12)
    return _base64(nonce + AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, link.encode(), id.encode()))


def _unsealed(sealed: str, id: str) -> str:
    try:
        box = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    except (binascii.Error, ValueError):
        return ""
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return AESGCM(_key(key)).decrypt(box[:12], box[12:], id.encode()).decode()
        except (InvalidTag, ValueError):
            continue
    return ""


def _key(secret_key: Any) -> bytes:
    return hashlib.sha256(b"dcsportal.sso.state" + str(secret_key).encode()).digest()


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
