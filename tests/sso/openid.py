"""A small OpenID provider on loopback, honest until a test tells it otherwise.

It signs in whoever its `person` is without a question, checks PKCE and the client's secret as
a real one does, and counts its calls. Switches make it lie in one way each.
"""

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "portal", "portal-secret"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def _keys():
    return {
        "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
        "ES256": ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"}),
    }


@dataclass
class OpenId:
    """`person` is who signs in; `changes` replaces claims of the ID token (None leaves one out)."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    userinfo_token: Callable[[dict[str, Any]], str] | None = None  # makes userinfo a JWT
    algorithm: str = "RS256"
    answer: str = ""  # an error code in place of a code
    down: str = ""  # a path that answers 503, "all" for each
    hang: threading.Event | None = None
    hangs: str = ""  # the only path that hangs
    drips: tuple[str, bytes] | None = None  # a path, and what its answer begins with
    clock: float = 0.0
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    keys: dict[str, Any] = field(default_factory=_keys)
    calls: Counter[str] = field(default_factory=Counter)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    auth: str = ""

    def reset(self):
        fresh = OpenId(issuer=self.issuer, keys=dict(self.original))
        vars(self).update(vars(fresh) | {"original": self.original})
        self.person = {"sub": "ada-1", "name": "Ada Novak", "email": "ada@example.com", "groups": ["dcs-all"]}

    def __post_init__(self):
        self.original = dict(self.keys)

    # HTTP ------------------------------------------------------------------------

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.calls[path] += 1
        if self.hang and self.hangs in ("", path):
            self.hang.wait()
        if self.drips and self.drips[0] == path:
            _drip(environ["the socket"], self.drips[1])
        if self.down in (path, "all"):
            return _answer(start_response, 503, b"<h1>503</h1>")
        rooms = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._jwks,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
        }
        return rooms[path](environ, start_response) if path in rooms else _answer(start_response, 404)

    def _discovery(self, environ, start):
        body = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        return _json(start, 200, body | self.metadata)

    def _jwks(self, environ, start):
        return _json(start, 200, {"keys": [key.as_dict(private=False) for key in self.keys.values()]})

    def _authorize(self, environ, start):
        self.asked = dict(parse_qsl(environ["QUERY_STRING"]))
        back = {"state": self.asked["state"]}
        if self.answer:
            back |= {"error": self.answer, "error_description": "<b>no</b>"}
        else:
            code = base64.urlsafe_b64encode(str(len(self.codes)).encode()).decode() + "-code"
            self.codes[code] = self.asked
            back |= {"code": code}
        return _answer(start, 302, location=f"{self.asked['redirect_uri']}?{urlencode(back)}")

    def _token(self, environ, start):
        form = _form(environ)
        self.auth = "basic" if environ.get("HTTP_AUTHORIZATION") else "post"
        if not self._is_the_client(environ, form):
            return _json(start, 401, {"error": "invalid_client"})
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked.get("code_challenge") != proof:
            return _json(start, 400, {"error": "invalid_grant"})
        token = self.id_token(asked["nonce"])
        return _json(
            start, 200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": token}
        )

    def _is_the_client(self, environ, form):
        given = f"{form.get('client_id')}:{form.get('client_secret')}"
        if header := environ.get("HTTP_AUTHORIZATION", "").removeprefix("Basic "):
            given = base64.b64decode(header).decode()
        return given == f"{CLIENT_ID}:{CLIENT_SECRET}"

    def _userinfo(self, environ, start):
        if environ.get("HTTP_AUTHORIZATION") != "Bearer an-access-token":
            return _json(start, 401, {})
        told = self.userinfo if self.userinfo is not None else self.person
        if self.userinfo_token:
            token = self.userinfo_token(told)
            return _answer(start, 200, token.encode(), kind="application/jwt")
        return _json(start, 200, told)

    # Tokens ----------------------------------------------------------------------

    def id_token(self, nonce):
        now = int(time.time() + self.clock)
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        return self.signed(claims | {"sid": "session-1"} | self.person)

    def logout_token(self, *, header=None, **changes):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "sub": "ada-1"}
        claims |= {"jti": f"jti-{time.monotonic_ns()}", "events": {EVENT: {}}}
        return self.signed(claims | changes, {"typ": "logout+jwt"} if header is None else header)

    def signed(self, claims, header=None):
        changed = claims | self.changes
        claims = {name: value for name, value in changed.items() if value is not None}
        key = self.keys.get(self.algorithm)
        full = {"alg": self.algorithm, "kid": key.kid if key else "rsa"} | (header or {})
        if self.sign:
            return self.sign(full, claims)
        return jwt.encode(full, claims, key, algorithms=[self.algorithm])


def unsigned(header, claims):
    """A token with `alg: none`."""
    return ".".join([_base64(header | {"alg": "none"}), _base64(claims), ""])


def signed_with_the_public_key(public):
    """The old trick: HMAC, with the public key for a shared secret."""

    def sign(header, claims):
        import hmac

        signed = ".".join([_base64(header | {"alg": "HS256"}), _base64(claims)])
        digest = hmac.digest(public.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return sign


def _base64(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False


def _drip(connection, start):
    """Send a start and then one byte after the other, for a minute if nobody leaves before."""
    connection.sendall(start)
    for _ in range(1200):
        time.sleep(0.05)
        connection.sendall(b"a")


class _Quiet(WSGIRequestHandler):
    def get_environ(self):
        return super().get_environ() | {"the socket": self.connection}

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def running():
    provider = OpenId()
    with make_server("127.0.0.1", 0, provider, server_class=_Server, handler_class=_Quiet) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        provider.reset()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield provider
        server.shutdown()


def _form(environ):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    return {name: values[0] for name, values in parse_qs(body).items()}


def _json(start, status, body):
    return _answer(start, status, json.dumps(body).encode(), kind="application/json")


def _answer(start, status, body=b"", *, kind="text/html", location=""):
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    if location:
        headers.append(("Location", location))
    start(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
