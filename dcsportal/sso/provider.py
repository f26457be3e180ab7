"""The company's OpenID provider: what it announces, its keys, and how it is asked."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.urls import reverse
from joserfc.jwt import Token

from backups.dcs.http import DeadlineAdapter
from dcsportal.environment import is_loopback

from .claims import Claims, UnknownKey, userinfo_claims, verified
from .failures import SignInFailure

logger = logging.getLogger(__name__)

# What one call may take in all, from connecting to the end of the body.
TIMEOUT = 5.0
LONGEST_BODY = 1024 * 1024
# A sign-in that begins has the announcement read anew, so that nobody is sent to a provider that is down.
FRESH, USABLE = 10.0, 86_400.0
# What is known already is worth so long a wait for what is newer, of one request at a time.
GRACE = 1.0
# How often an unknown key id may cause the keys to be read again, and a failure be tried again.
KEYS_PAUSE, FAILURE_PAUSE = 10.0, 2.0
# How many requests of a process may wait at once: for the announcement while none is known, and in callbacks.
MOST_WAITING, MOST_CALLBACKS = 4, 8

T = TypeVar("T")


class Metadata(
    msgspec.Struct,
    frozen=True,
    rename={
        "algorithms": "id_token_signing_alg_values_supported",
        "auth_methods": "token_endpoint_auth_methods_supported",
        "names_issuer": "authorization_response_iss_parameter_supported",
    },
):
    """What the provider announces about itself, as far as the portal needs it."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    names_issuer: bool = False


class Session(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client with an end: TIMEOUT for all of an answer, 1 MB, and no redirects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        adapter = DeadlineAdapter(seconds=TIMEOUT, most_bytes=LONGEST_BODY)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url, *args, **kwargs | {"allow_redirects": False})


def answer_of(url: str, *, token: str = "") -> requests.Response:
    """Get an address: without the token of a client, which is what Authlib would add."""

    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Always set, so that no .netrc signs the request.
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    with Session() as session:
        response: requests.Response = session.get(url, withhold_token=True, auth=authorized)
    return response


@contextmanager
def _one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold one of the slots, or fail at once: who waited for one would hold a thread of the server."""
    if not slots.acquire(blocking=False):
        raise SignInFailure("unavailable", "as many as may wait for the provider do so already")
    try:
        yield
    finally:
        slots.release()


class CachedAnswer(Generic[T]):
    """One thing that the provider tells. A thread reads it, one at a time, and few requests wait for that."""

    def __init__(self, most_waiting: int) -> None:
        self._lock = threading.Lock()  # never held while the provider is asked
        self._slots = threading.BoundedSemaphore(most_waiting)
        self._value: T | None = None
        self._read_at = self._failed_at = float("-inf")
        self._failure: SignInFailure | None = None
        self._reading: threading.Thread | None = None

    def get(self, read: Callable[[], T], *, max_age: float, anew: bool = False) -> T:
        """Return it, read if what is known is older than `max_age`.

        What is known is returned while a newer one is read, unless the last reading failed. With `anew`
        it is of no use, and as if nothing were known.
        """
        with self._lock:
            now = time.monotonic()
            known = self._value
            if known is not None and now - self._read_at <= max_age:
                return known
            begins = self._reading is None and now - self._failed_at >= FAILURE_PAUSE
            if begins:
                work = copy_context().run  # its log lines carry the id of the request
                thread = threading.Thread(
                    target=work, args=(self._read, read), name="openid-provider", daemon=True
                )
                thread.start()
                self._reading = thread
            reading = self._reading
        if reading and (known is None or anew):
            with _one_of(self._slots):
                reading.join(TIMEOUT + GRACE)
        elif reading and begins:
            reading.join(GRACE)
        return self._outcome(reading if anew else None)

    def _outcome(self, awaited: threading.Thread | None) -> T:
        with self._lock:
            if self._failure:
                raise SignInFailure("unavailable", self._failure.reason) from self._failure.__cause__
            if self._value is None or (awaited and awaited is self._reading):
                raise SignInFailure("unavailable", "the provider has not answered in time")
            return self._value

    def _read(self, read: Callable[[], T]) -> None:
        failure: SignInFailure | None = SignInFailure("unavailable", "the provider cannot be asked")
        try:
            value = read()
            failure = None
        except SignInFailure as error:
            failure = error
        finally:
            with self._lock:
                self._reading, self._failure = None, failure
                if failure:
                    self._failed_at = time.monotonic()
                else:
                    self._value, self._read_at = value, time.monotonic()


class Provider:
    """One provider in this process; it keeps what was announced and the keys."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._metadata: CachedAnswer[Metadata] = CachedAnswer(MOST_WAITING)
        self._keys: CachedAnswer[list[dict[str, Any]]] = CachedAnswer(MOST_CALLBACKS)
        self._callbacks = threading.BoundedSemaphore(MOST_CALLBACKS)

    def metadata(self, *, max_age: float = USABLE) -> Metadata:
        return self._metadata.get(self._discovered, max_age=max_age)

    def one_of_few_callbacks(self) -> AbstractContextManager[None]:
        """Hold one of the turns to finish a sign-in, or fail at once."""
        return _one_of(self._callbacks)

    def verified(self, token: str) -> Token:
        """Return a token that this provider signed; an unknown key id reads the keys again."""
        metadata = self.metadata()
        with suppress(UnknownKey):
            return verified(token, self.keys(metadata), metadata.algorithms)
        try:
            return verified(token, self.keys(metadata, anew=True), metadata.algorithms)
        except UnknownKey as unknown:
            raise SignInFailure(
                "untrusted", f"the token's key {unknown!s:.80} is not the provider's"
            ) from None

    def keys(self, metadata: Metadata, *, anew: bool = False) -> list[dict[str, Any]]:
        """Return the keys that sign tokens, read now if they were not read before."""
        read = partial(_signing_keys, metadata.jwks_uri)
        return self._keys.get(read, max_age=KEYS_PAUSE if anew else USABLE, anew=anew)

    def _discovered(self) -> Metadata:
        return _metadata(_json_of(f"{self._issuer}/.well-known/openid-configuration"), self._issuer)


def _signing_keys(address: str) -> list[dict[str, Any]]:
    keys = _json_of(address).get("keys")
    listed = keys if isinstance(keys, list) else []
    return [key for key in listed if isinstance(key, dict) and key.get("use") != "enc"]


_providers: dict[str, Provider] = {}


def provider() -> Provider:
    """Return this process's provider of the configured issuer."""
    return _providers.setdefault(settings.SSO_ISSUER, Provider(settings.SSO_ISSUER))


def forget_providers() -> None:
    _providers.clear()


def client(metadata: Metadata) -> Session:
    return Session(
        client_id=settings.SSO_CLIENT_ID,
        client_secret=settings.SSO_CLIENT_SECRET or None,
        token_endpoint_auth_method=_auth_method(metadata),
        scope=settings.SSO_SCOPES,
        redirect_uri=settings.PORTAL_URL + reverse("sso-callback"),
        code_challenge_method="S256",
    )


def tokens(metadata: Metadata, *, code: str, verifier: str) -> dict[str, Any]:
    """Trade the code for tokens."""

    def traded() -> Any:
        with client(metadata) as session:
            return session.fetch_token(
                metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
            )

    answer = _asked(traded)
    if not isinstance(answer.get("id_token"), str):
        raise SignInFailure("untrusted", "the provider sent no ID token")
    return dict(answer)


def userinfo(metadata: Metadata, *, access_token: str, subject: str) -> Claims:
    if not access_token:
        raise SignInFailure("untrusted", "the provider sent no access token")
    response = _answered(metadata.userinfo_endpoint, access_token)
    if response.headers.get("Content-Type", "").lower().startswith("application/jwt"):
        answer = _signed_userinfo(metadata, response.text.strip())
    else:
        answer = _object_in(response)
    if answer.get("sub") != subject:
        raise SignInFailure("untrusted", "userinfo tells of somebody else (sub)")
    return answer


def _signed_userinfo(metadata: Metadata, token: str) -> Claims:
    """Return what a signed answer tells; what cannot be read is the fault of a setting there."""
    if token.count(".") == 4:
        setting = "userinfo_encrypted_response_alg"
        raise SignInFailure("misconfigured", "userinfo is encrypted", {"code": setting})
    try:
        return userinfo_claims(
            provider().verified(token), issuer=metadata.issuer, client_id=settings.SSO_CLIENT_ID
        )
    except SignInFailure as failure:
        setting = "userinfo_signed_response_alg"
        raise SignInFailure("misconfigured", f"userinfo: {failure.reason}", {"code": setting}) from failure


def _json_of(url: str) -> dict[str, Any]:
    return _object_in(_answered(url))


def _answered(url: str, token: str = "") -> requests.Response:
    def read() -> requests.Response:
        response = answer_of(url, token=token)
        if response.status_code != 200:
            raise requests.HTTPError(f"HTTP {response.status_code} from {url}")
        return response

    response: requests.Response = _asked(read)
    return response


def _object_in(response: requests.Response) -> dict[str, Any]:
    answer = _asked(response.json)
    if not isinstance(answer, dict):
        raise SignInFailure("unavailable", f"{response.url} answered no JSON object")
    return answer


def _asked(ask: Callable[[], Any]) -> Any:
    """Return the provider's answer; what it refuses and what goes wrong on the way becomes a failure."""
    try:
        return ask()
    except AuthlibBaseError as error:
        code = f"{error.error}"
        logger.warning("The provider answered %s: %s", code, f"{error.description}"[:300])
        kind = {"invalid_grant": "spent", "invalid_client": "misconfigured"}.get(code)
        kind = kind or ("misconfigured" if code == "unauthorized_client" else "unavailable")
        raise SignInFailure(kind, f"the provider answered {code:.60}", {"code": shown_code(code)}) from error
    except (requests.RequestException, ValueError, RecursionError, AttributeError, TypeError) as error:
        logger.warning("The provider cannot be asked: %s: %s", type(error).__name__, f"{error}"[:300])
        raise SignInFailure(
            "unavailable", f"the provider cannot be asked ({type(error).__name__})"
        ) from error


def shown_code(code: str) -> str:
    """Return an error code if it looks like one; anything else is not repeated on a page."""
    return code if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", code) else ""


def _metadata(answer: dict[str, Any], issuer: str) -> Metadata:
    try:
        metadata = msgspec.convert({n: value for n, value in answer.items() if value is not None}, Metadata)
    except msgspec.ValidationError as error:
        raise SignInFailure("unavailable", f"the provider's announcement cannot be read: {error}") from error
    # A slash at the end belongs to the issuer, but is easily lost on the way into a setting.
    if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
        logger.error("SSO_ISSUER is %s, but the provider there calls itself %.200r.", issuer, metadata.issuer)
        raise SignInFailure("unavailable", "the provider calls itself otherwise than SSO_ISSUER")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    optional = ("userinfo_endpoint", "end_session_endpoint")
    unusable = [name for name in needed + optional if not _is_usable(getattr(metadata, name))]
    for name in needed:
        if name in unusable:
            raise SignInFailure("unavailable", f"the provider announces no usable {name}")
    return msgspec.structs.replace(metadata, **dict.fromkeys(unusable, ""))


def _is_usable(endpoint: str) -> bool:
    """Tell whether an announced address is one; http counts on loopback only."""
    try:
        address = urlsplit(endpoint)
        host = address.hostname or ""
    except ValueError:
        return False
    is_safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(host))
    return bool(host) and is_safe and re.fullmatch(r"[!-~]+", endpoint) is not None


def _auth_method(metadata: Metadata) -> str:
    """Choose how the portal proves who it is; without a secret it is a public client.

    How characters such as : and % are written in client_secret_basic, providers disagree:
    with one of them client_secret_post is taken where it is offered.
    """
    if not settings.SSO_CLIENT_SECRET:
        return "none"
    plain = re.fullmatch(r"[A-Za-z0-9._~-]*", settings.SSO_CLIENT_ID + settings.SSO_CLIENT_SECRET)
    if "client_secret_post" in metadata.auth_methods and not (
        plain and "client_secret_basic" in metadata.auth_methods
    ):
        return "client_secret_post"
    return "client_secret_basic"
