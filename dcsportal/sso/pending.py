"""Sign-ins that have begun: each has its own state, and its own small cookie in the browser that began it.

The cookie holds a random secret, of which nonce and PKCE verifier are made. The link that the viewer
opened travels sealed in the state; a longer one rests in the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from backups.guards import set_cookie
from dcsportal.middleware import network_of

from .models import RestingLink

SECONDS = 600  # in which a sign-in has to end
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
        return self.made("id")[:22]

    def made(self, purpose: str) -> str:
        """Return what only the holder of the secret can make; servers of other versions make the same."""
        digest = hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(link: str) -> Pending:
    return Pending(secrets.token_urlsafe(16), link)


def state_of(pending: Pending) -> str:
    """Return what comes back from the provider, whose logs have no business with what a viewer looks for."""
    link = pending.link if len(pending.link) <= LONGEST_SEALED else ""
    return _sealer().encrypt(f"{pending.id} {link}".encode()).decode()


def remember(request: HttpRequest, response: HttpResponse, pending: Pending) -> None:
    """Bind the sign-in to this browser; of more than twelve the oldest are dropped."""
    if len(pending.link) > LONGEST_SEALED:
        _rest(pending, network_of(request))
    # Browsers send cookies in the order in which they were made.
    begun = [name for name in request.COOKIES if name.startswith(_prefix())]
    for old in begun[: -(MOST_COOKIES - 1)]:
        response.delete_cookie(old, path=_path(), samesite="Lax")
    set_cookie(response, _prefix() + pending.id, pending.secret, seconds=SECONDS, path=_path())


def recall(request: HttpRequest, state: str) -> Pending | None:
    """Return the sign-in of this state that began in this browser at most ten minutes ago."""
    id, link = _unsealed(state, seconds=SECONDS)
    pending = Pending(request.COOKIES.get(_prefix() + id, ""), link or _resting(id) or "/")
    return pending if id and hmac.compare_digest(pending.id, id) else None


def link_in(state: str) -> str:
    """Return the link of a state, whose cookie may be gone; nothing where it is no longer known."""
    id, link = _unsealed(state)
    return link or _resting(id)


def forget(response: HttpResponse, pending: Pending) -> None:
    """Take the cookie away. A link that rests stays until it expires: Back and a double click ask for it."""
    response.delete_cookie(_prefix() + pending.id, path=_path(), samesite="Lax")


# On https no other host may plant a cookie, with which a viewer would be signed in as somebody else: browsers
# take a `__Host-` cookie from this host alone. They want its path to be `/`, so it comes with every request.


def _prefix() -> str:
    return "__Host-sso-" if settings.HTTPS else "sso-"


def _path() -> str:
    return "/" if settings.HTTPS else "/sso/"


# The state -----------------------------------------------------------------------


def _sealer() -> MultiFernet:
    keys = (f"dcsportal.sso.state{key}" for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _unsealed(state: str, *, seconds: int | None = None) -> tuple[str, str]:
    """Return id and link of a state of ours that is at most so old, both empty of any other text."""
    try:
        id, _, link = _sealer().decrypt(state.encode(), ttl=seconds).decode().partition(" ")
    except (InvalidToken, ValueError):
        return "", ""
    return id, link


# Links that do not fit -----------------------------------------------------------


def _rest(pending: Pending, address: str) -> None:
    """Keep the link; where there are too many, the address that has most loses its oldest."""
    now = timezone.now()
    RestingLink.objects.filter(expires_at__lte=now).delete()
    expires = now + timedelta(seconds=SECONDS)
    RestingLink.objects.create(id=pending.id, link=pending.link, address=address, expires_at=expires)
    _drop_oldest(address, keep=MOST_RESTING_OF_ONE_ADDRESS)
    too_many = RestingLink.objects.count() - MOST_RESTING
    if too_many > 0:
        addresses = RestingLink.objects.values_list("address")
        counted = addresses.annotate(count=Count("*"), since=Min("expires_at"))
        greediest, count, _ = counted.order_by("-count", "since")[0]
        _drop_oldest(greediest, keep=max(count - too_many, 0))


def _drop_oldest(address: str, *, keep: int) -> None:
    newest_first = RestingLink.objects.filter(address=address).order_by("-expires_at")
    RestingLink.objects.filter(id__in=list(newest_first.values_list("id", flat=True)[keep:])).delete()


def _resting(id: str) -> str:
    rows = RestingLink.objects.filter(id=id, expires_at__gt=timezone.now())
    return rows.values_list("link", flat=True).first() or ""
