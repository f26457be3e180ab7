"""Sign-ins that have begun: each has its own state, and its own small cookie in the browser that began it.

The cookie holds a random secret, of which state, nonce and PKCE verifier are made. The link that the
viewer opened travels sealed in the state; a longer one rests in the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import signing
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from backups.guards import set_cookie
from dcsportal.addresses import network_of

from .models import RestingLink

MINUTES = 10
MOST_COOKIES = 12
MOST_RESTING, MOST_RESTING_OF_ONE_ADDRESS = 10_000, 100
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
        return f"{self.id}.{_sealed(self.link, self.id)}" if self.fits else self.id

    @property
    def fits(self) -> bool:
        return len(self.link) <= LONGEST_SEALED

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
    if not pending.fits:
        _rest(pending, network_of(request))
    for old in _oldest_first(request)[: -(MOST_COOKIES - 1)]:
        response.delete_cookie(old, path=_path(), samesite="Lax")
    value = _signer().sign(pending.secret)
    set_cookie(response, _prefix() + pending.id, value, seconds=MINUTES * 60, path=_path())


def recall(request: HttpRequest, state: str) -> Pending | None:
    """Return the sign-in of this state that began in this browser at most ten minutes ago."""
    id = _id_in(state)
    try:
        secret = _signer().unsign(request.COOKIES.get(_prefix() + id, ""), max_age=MINUTES * 60)
    except signing.BadSignature:
        return None
    pending = Pending(secret, link_in(state) or "/")
    return pending if hmac.compare_digest(pending.id.encode(), id.encode()) else None


def link_in(state: str) -> str:
    """Return the link of a state, whose cookie may be gone; nothing where it is no longer known."""
    id, sealed = _id_in(state), state.partition(".")[2]
    return _unsealed(sealed, id) or _resting(id)


def _id_in(state: str) -> str:
    """Return the id in a state, "" where there is none of ours: no other text gets to the database."""
    id = state.partition(".")[0]
    return id if re.fullmatch(r"[A-Za-z0-9_-]{22}", id) else ""


def forget(response: HttpResponse, state: str) -> None:
    """Take the cookie away. A link that rests stays until it expires: Back and a double click ask for it."""
    response.delete_cookie(_prefix() + _id_in(state), path=_path(), samesite="Lax")


# Cookies -------------------------------------------------------------------------


# On https no other host may plant one, with which a viewer would be signed in as somebody else: browsers
# take a `__Host-` cookie from this host alone. They want its path to be `/`, so it comes with every request.


def _prefix() -> str:
    return "__Host-sso-" if settings.HTTPS else "sso-"


def _path() -> str:
    return "/" if settings.HTTPS else "/sso/"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="dcsportal.sso.pending")


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


def _rest(pending: Pending, address: str) -> None:
    """Keep the link; where there are too many, the address that has most loses its oldest."""
    now = timezone.now()
    RestingLink.objects.filter(expires_at__lte=now).delete()
    expires_at = now + timedelta(minutes=MINUTES)
    RestingLink.objects.create(id=pending.id, link=pending.link, address=address, expires_at=expires_at)
    _drop_oldest(address, keep=MOST_RESTING_OF_ONE_ADDRESS)
    too_many = RestingLink.objects.count() - MOST_RESTING
    if too_many > 0:
        by_address = RestingLink.objects.values_list("address").annotate(
            count=Count("*"), since=Min("expires_at")
        )
        greediest, count, _ = by_address.order_by("-count", "since")[0]
        _drop_oldest(greediest, keep=max(count - too_many, 0))


def _drop_oldest(address: str, *, keep: int) -> None:
    newest_first = RestingLink.objects.filter(address=address).order_by("-expires_at")
    RestingLink.objects.filter(id__in=list(newest_first.values_list("id", flat=True)[keep:])).delete()


def _resting(id: str) -> str:
    row = RestingLink.objects.filter(id=id, expires_at__gt=timezone.now()).first()
    return row.link if row else ""


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
