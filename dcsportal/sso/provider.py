"""The company's OpenID provider: what it announces, its keys, and how it is asked.

What it announces is read by one request at a time, kept, and waited for by few.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Generic, TypeVar

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.http import Http404
from django.urls import reverse
from joserfc.jwt import Token

from backups.dcs.http import DeadlineAdapter

from .claims import Claims, UnknownKey, checked_claims, verified
from .failures import SignInFailure
from .metadata import Metadata, checked_metadata

logger = logging.getLogger(__name__)

# What one call may take in all, from connecting to the end of the body.
TIMEOUT = 5.0
LONGEST_WAIT = TIMEOUT + 1  # for another request that asks the same
LONGEST_BODY = 1024 * 1024
# A sign-in that begins has the announcement read anew, so that nobody is sent to a provider that is down.
FRESH, USABLE = 10.0, 86_400.0
# How often an unknown key id may cause the keys to be read again, and a provider that failed be asked again.
KEYS_PAUSE, FAILURE_PAUSE = 10.0, 2.0
# How many requests of a process may wait at once: for the announcement while none is known, and in callbacks.
MOST_WAITING, MOST_CALLBACKS = 4, 8

T = TypeVar("T")


@contextmanager
def one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold one of the slots, or fail at once: who waited for one would hold a thread of the server."""
    if not slots.acquire(blocking=False):
        raise SignInFailure("unavailable", "as many as may wait for the provider do so already")
    try:
        yield
    finally:
        slots.release()


class CachedAnswer(Generic[T]):
    def __init__(self, read: Callable[[], T], *, most_waiting: int) -> None:
        self._read = read
        self._slots = threading.BoundedSemaphore(most_waiting)
        self._reading = threading.Lock()
        self._known: T | None = None
        self._failure: SignInFailure | None = None
        self._read_at = self._failed_at = float("-inf")

    def get(self, *, max_age: float, needs_newer: bool = False) -> T:
        """Return the answer, read if what is known is older than `max_age`.

        While another request reads it, what is known is returned, unless a newer one is needed.
        """
        known = self._known
        if known is not None and time.monotonic() - self._read_at <= max_age:
            return known
        waits = known is None or needs_newer
        with one_of(self._slots) if waits else nullcontext():
            # Who reads may be held up by a name server, which heeds no timeout.
            if not self._reading.acquire(timeout=LONGEST_WAIT if waits else 0):
                if known is not None and not waits:
                    return known
                raise SignInFailure("unavailable", "the provider is being asked and does not answer")
            try:
                return self._read_unless_just_done(max_age)
            finally:
                self._reading.release()

    def _read_unless_just_done(self, max_age: float) -> T:
        now = time.monotonic()
        if self._known is not None and now - self._read_at <= max_age:
            return self._known
        if self._failure and now - self._failed_at < FAILURE_PAUSE:
            # Raised again and again, the same one would keep the frames of each request.
            raise SignInFailure(self._failure.kind, self._failure.reason) from self._failure
        try:
            self._known = self._read()
        except SignInFailure as failure:
            self._failure, self._failed_at = failure, time.monotonic()
            raise
        self._failure, self._read_at = None, time.monotonic()
        return self._known


class Provider:
    """One provider in this process; it keeps what was announced and the keys."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._metadata = CachedAnswer(self._read_metadata, most_waiting=MOST_WAITING)
        self._keys = CachedAnswer(self._read_keys, most_waiting=MOST_CALLBACKS)
        self.callbacks = threading.BoundedSemaphore(MOST_CALLBACKS)

    def metadata(self, *, max_age: float = USABLE) -> Metadata:
        return self._metadata.get(max_age=max_age)

    def keys(self) -> list[dict[str, Any]]:
        """Return the keys that sign tokens."""
        return self._keys.get(max_age=USABLE)

    def verified(self, token: str) -> Token:
        """Return a token that this provider signed; an unknown key id reads the keys again."""
        algorithms = self.metadata().algorithms
        with suppress(UnknownKey):
            return verified(token, self.keys(), algorithms)
        try:
            return verified(token, self._keys.get(max_age=KEYS_PAUSE, needs_newer=True), algorithms)
        except UnknownKey as unknown:
            reason = f"the token's key {unknown!s:.80} is not the provider's"
            raise SignInFailure("untrusted", reason) from None

    def authorization_url(self, *, verifier: str, **parameters: str) -> str:
        metadata = self.metadata(max_age=FRESH)
        with _client(metadata) as client:
            endpoint = metadata.authorization_endpoint
            url, _ = client.create_authorization_url(endpoint, code_verifier=verifier, **parameters)
        return str(url)

    def tokens(self, *, code: str, verifier: str) -> dict[str, Any]:
        """Trade the code for tokens."""
        metadata = self.metadata()
        grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        with _asking(), _client(metadata) as client:
            answer = client.fetch_token(metadata.token_endpoint, **grant)
        if not isinstance(answer.get("id_token"), str):
            raise SignInFailure("untrusted", "the provider sent no ID token")
        return dict(answer)

    def userinfo(self, *, access_token: str, subject: str) -> Claims:
        if not access_token:
            raise SignInFailure("untrusted", "the provider sent no access token")
        response = _answered(self.metadata().userinfo_endpoint, token=access_token)
        if response.headers.get("Content-Type", "").lower().startswith("application/jwt"):
            answer = self._signed_userinfo(response.text.strip())
        else:
            answer = _object_in(response)
        if answer.get("sub") != subject:
            raise SignInFailure("untrusted", "userinfo tells of somebody else (sub)")
        return answer

    def _signed_userinfo(self, token: str) -> Claims:
        """Return what a signed answer tells; what cannot be read is the fault of a setting there."""
        if token.count(".") == 4:
            setting = "userinfo_encrypted_response_alg"
            raise SignInFailure("misconfigured", "userinfo is encrypted", {"code": setting})
        try:
            return checked_claims(self.verified(token), issuer=self.metadata().issuer)
        except SignInFailure as failure:
            setting, reason = "userinfo_signed_response_alg", f"userinfo: {failure.reason}"
            raise SignInFailure("misconfigured", reason, {"code": setting}) from failure

    def _read_metadata(self) -> Metadata:
        address = f"{self._issuer}/.well-known/openid-configuration"
        return checked_metadata(_object_in(_answered(address)), issuer=self._issuer)

    def _read_keys(self) -> list[dict[str, Any]]:
        keys = _object_in(_answered(self.metadata().jwks_uri)).get("keys")
        listed = keys if isinstance(keys, list) else []
        return [key for key in listed if isinstance(key, dict) and key.get("use") != "enc"]


_providers: dict[str, Provider] = {}
forget_providers = _providers.clear


def provider() -> Provider:
    """Return this process's provider of the configured issuer; a page that needs one is not there without."""
    if not settings.SSO_ISSUER:
        raise Http404
    return _providers.setdefault(settings.SSO_ISSUER, Provider(settings.SSO_ISSUER))


# How it is asked ------------------------------------------------------------------


class Session(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client with an end: TIMEOUT for all of an answer, 1 MB, and no redirects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        adapter = DeadlineAdapter(seconds=TIMEOUT, most_bytes=LONGEST_BODY)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url, *args, **kwargs | {"allow_redirects": False})


def _client(metadata: Metadata) -> Session:
    return Session(
        client_id=settings.SSO_CLIENT_ID,
        client_secret=settings.SSO_CLIENT_SECRET or None,
        token_endpoint_auth_method=metadata.auth_method(settings.SSO_CLIENT_ID, settings.SSO_CLIENT_SECRET),
        scope=settings.SSO_SCOPES,
        redirect_uri=settings.PORTAL_URL + reverse("sso-callback"),
        code_challenge_method="S256",
    )


def answer_of(url: str, *, token: str = "") -> requests.Response:
    """Get an address, signed by an access token or by nothing."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with Session() as session:
        # With no auth at all, a .netrc would sign the request.
        response: requests.Response = session.get(url, headers=headers, auth=lambda request: request)
    return response


def _answered(url: str, *, token: str = "") -> requests.Response:
    with _asking():
        response = answer_of(url, token=token)
        if response.status_code != 200:
            raise requests.HTTPError(f"HTTP {response.status_code} from {url}")
    return response


def _object_in(response: requests.Response) -> dict[str, Any]:
    with _asking():
        answer = response.json()
    if not isinstance(answer, dict):
        raise SignInFailure("unavailable", f"{response.url} answered no JSON object")
    return answer


_KINDS = {"invalid_grant": "spent", "invalid_client": "misconfigured", "unauthorized_client": "misconfigured"}


@contextmanager
def _asking() -> Iterator[None]:
    """Turn what the provider refuses, and what goes wrong on the way, into a failure."""
    try:
        yield
    except AuthlibBaseError as error:
        code = f"{error.error}"
        logger.warning("The provider answered %s: %s", code, f"{error.description}"[:300])
        raise refusal_of_provider(_KINDS.get(code, "unavailable"), code) from error
    except (requests.RequestException, ValueError, RecursionError, AttributeError, TypeError) as error:
        name = type(error).__name__
        logger.warning("The provider cannot be asked: %s: %s", name, f"{error}"[:300])
        raise SignInFailure("unavailable", f"the provider cannot be asked ({name})") from error


def refusal_of_provider(kind: str, code: str) -> SignInFailure:
    """Return the failure of an error code, which a page shows if it looks like one."""
    shown = code if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", code) else ""
    return SignInFailure(kind, f"the provider answered {code:.60}", {"code": shown})
