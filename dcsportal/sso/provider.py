"""The company's OpenID provider: what it announces, its keys, and how it is asked."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.urls import reverse

from dcsportal.environment import is_loopback

from .claims import Claims, UnknownKey, verified
from .failures import SignInFailure

logger = logging.getLogger(__name__)

TIMEOUT = 5.0
LONGEST_BODY = 1024 * 1024
# A sign-in that begins asks anew, so that nobody is sent to a provider that is down.
FRESH, KEPT = 10.0, 86_400.0
# How often an unknown key id may cause the keys to be read again, and a failure be tried again.
KEYS_PAUSE, FAILURE_PAUSE = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider announces about itself, as far as the portal needs it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    names_issuer: bool


class Session(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client with an end: 5 seconds for all of an answer, 1 MB, and no redirects."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": TIMEOUT}
        response = super().request(method, url, *args, **kwargs)
        with response:
            response._content = _read(response)
        return response


def _read(response: requests.Response) -> bytes:
    body, ends = b"", time.monotonic() + TIMEOUT
    for chunk in response.iter_content(16 * 1024):
        body += chunk
        if len(body) > LONGEST_BODY or time.monotonic() > ends:
            raise requests.ConnectionError("the answer is too long or too slow")
    return body


class Provider:
    """One provider in this process; it keeps what was announced and the keys."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._keys: list[dict[str, Any]] = []
        self._read_at = self._keys_read_at = self._failed_at = float("-inf")
        self._failure = ""

    def metadata(self, *, max_age: float = KEPT) -> Metadata:
        with self._lock:
            now = time.monotonic()
            if self._metadata is None or now - self._read_at > max_age:
                if now - self._failed_at < FAILURE_PAUSE:
                    raise SignInFailure("unavailable", self._failure)
                self._metadata = self._discovered()
                self._read_at = time.monotonic()
            return self._metadata

    def verified(self, token: str) -> Claims:
        """Return the claims of a token of this provider; an unknown key id reads the keys again."""
        metadata = self.metadata()
        try:
            return verified(token, self._known_keys(metadata), metadata.algorithms)
        except UnknownKey:
            pass
        try:
            return verified(token, self._known_keys(metadata, anew=True), metadata.algorithms)
        except UnknownKey as unknown:
            raise SignInFailure(
                "untrusted", f"the token's key {unknown!s:.80} is not the provider's"
            ) from None

    def keys(self, metadata: Metadata) -> list[dict[str, Any]]:
        """Return the keys that sign tokens, read now if they were not read before."""
        return self._known_keys(metadata)

    def _known_keys(self, metadata: Metadata, *, anew: bool = False) -> list[dict[str, Any]]:
        with self._lock:
            age = time.monotonic() - self._keys_read_at
            if age > KEPT or (anew and age > KEYS_PAUSE):
                keys = _json_of(metadata.jwks_uri).get("keys")
                listed = keys if isinstance(keys, list) else []
                self._keys = [key for key in listed if isinstance(key, dict) and key.get("use") != "enc"]
                self._keys_read_at = time.monotonic()
            return self._keys

    def _discovered(self) -> Metadata:
        try:
            return _metadata(_json_of(f"{self._issuer}/.well-known/openid-configuration"), self._issuer)
        except SignInFailure as failure:
            self._failed_at, self._failure = time.monotonic(), failure.reason
            raise


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


def userinfo(metadata: Metadata, *, access_token: Any, subject: str) -> Claims:
    if not isinstance(access_token, str) or not access_token:
        raise SignInFailure("untrusted", "the provider sent no access token")
    answer = _json_of(metadata.userinfo_endpoint, token=access_token)
    if answer.get("sub") != subject:
        raise SignInFailure("untrusted", "userinfo tells of somebody else (sub)")
    return answer


def _json_of(url: str, *, token: str = "") -> dict[str, Any]:
    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Always set, so that no .netrc signs the request.
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    def read() -> Any:
        with Session() as session:
            response = session.get(url, withhold_token=True, auth=authorized)
        if response.status_code != 200:
            raise requests.HTTPError(f"HTTP {response.status_code} from {url}")
        return response.json()

    answer = _asked(read)
    if not isinstance(answer, dict):
        raise SignInFailure("unavailable", f"{url} answered no JSON object")
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
    announced = _text(answer, "issuer")
    # A slash at the end belongs to the issuer, but is easily lost on the way into a setting.
    if announced.rstrip("/") != issuer.rstrip("/"):
        logger.error("SSO_ISSUER is %s, but the provider there calls itself %.200r.", issuer, announced)
        raise SignInFailure("unavailable", "the provider calls itself otherwise than SSO_ISSUER")
    endpoints = {name: _endpoint(answer, name) for name in _NEEDED + _OPTIONAL}
    missing = [name for name in _NEEDED if not endpoints[name]]
    if missing:
        raise SignInFailure("unavailable", f"the provider announces no usable {missing[0]}")
    return Metadata(
        issuer=announced,
        **endpoints,
        algorithms=_list(answer, "id_token_signing_alg_values_supported") or ("RS256",),
        auth_methods=_list(answer, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        names_issuer=answer.get("authorization_response_iss_parameter_supported") is True,
    )


_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


def _endpoint(answer: dict[str, Any], name: str) -> str:
    """Return an announced address; http counts on loopback only."""
    value = _text(answer, name)
    try:
        address = urlsplit(value)
        host = address.hostname or ""
    except ValueError:
        return ""
    safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(host))
    return value if host and safe and value.isascii() and value.isprintable() and " " not in value else ""


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) and len(value) <= 255 else ""


def _list(answer: dict[str, Any], name: str) -> tuple[str, ...]:
    value = answer.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


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
