"""A small OpenID provider on loopback, honest until a test tells it otherwise.

It signs in whoever its `person` is without a question, checks PKCE and the client's secret as
a real one does, and counts its calls. Switches make it lie in one way each.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from http import HTTPStatus
from socketserver import ThreadingMixIn
from urllib.parse import parse_qsl, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "portal", "portal-secret"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


class OpenId:
    def __init__(self):
        rsa = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
        self._own_keys = {"RS256": rsa, "ES256": ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})}
        self.issuer = ""
        self.reset()

    def reset(self):
        self.person = {"sub": "ada-1", "name": "Ada Novak", "email": "ada@example.com", "groups": ["dcs-all"]}
        self.changes = {}  # of claims of the tokens; None leaves one out
        self.metadata = {}
        self.userinfo = self.userinfo_token = None  # what it tells, what makes a JWT of it
        self.algorithm, self.keys = "RS256", dict(self._own_keys)
        self.sign = None
        self.clock = 0
        self.answer = ""  # an error code in place of a code
        self.down = ""  # a path that answers 503, "all" for each
        self.hang, self.hangs = None, ""  # the only path that hangs
        self.drips = None  # a path, and what its answer begins with
        self.calls, self.codes, self.auth = Counter(), {}, ""

    # HTTP ------------------------------------------------------------------------

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.calls[path] += 1
        if self.hang and self.hangs in ("", path):
            self.hang.wait()
        if self.drips and self.drips[0] == path:
            _drip(environ["the socket"], self.drips[1])
        rooms = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._jwks,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
        }
        status, body, headers = 404, b"", {}
        if self.down in (path, "all"):
            status, body = 503, b"<h1>503</h1>"
        elif path in rooms:
            status, body, *more = rooms[path](environ)
            headers = more[0] if more else {}
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        headers = {"Content-Type": "text/html", "Content-Length": str(len(body))} | headers
        start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
        return [body]

    def _discovery(self, environ):
        paths = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "keys",
            "end_session_endpoint": "logout",
        }
        announced = {
            "issuer": self.issuer,
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        return 200, announced | {name: f"{self.issuer}/{paths[name]}" for name in paths} | self.metadata

    def _jwks(self, environ):
        return 200, {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def _authorize(self, environ):
        asked = dict(parse_qsl(environ["QUERY_STRING"]))
        back = {"state": asked["state"]}
        if self.answer:
            back |= {"error": self.answer, "error_description": "<b>no</b>"}
        else:
            back["code"] = f"{self.calls['/authorize']}-code"
            self.codes[back["code"]] = asked
        return 302, b"", {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"}

    def _token(self, environ):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        form = dict(parse_qsl(body.decode()))
        given = f"{form.get('client_id')}:{form.get('client_secret')}"
        header = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Basic ")
        self.auth = "basic" if header else "post"
        if (base64.b64decode(header).decode() if header else given) != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked.get("code_challenge") != proof:
            return 400, {"error": "invalid_grant"}
        token = self.id_token(asked["nonce"])
        return 200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": token}

    def _userinfo(self, environ):
        if environ.get("HTTP_AUTHORIZATION") != "Bearer an-access-token":
            return 401, {}
        told = self.userinfo if self.userinfo is not None else self.person
        if self.userinfo_token:
            return 200, self.userinfo_token(told).encode(), {"Content-Type": "application/jwt"}
        return 200, told

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
    return ".".join([_json(header | {"alg": "none"}), _json(claims), ""])


def signed_with_the_public_key(public):
    """The old trick: HMAC, with the public key for a shared secret."""

    def sign(header, claims):
        signed = ".".join([_json(header | {"alg": "HS256"}), _json(claims)])
        return f"{signed}.{_base64(hmac.digest(public.as_pem(private=False), signed.encode(), 'sha256'))}"

    return sign


def _json(value):
    return _base64(json.dumps(value).encode())


def _base64(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _drip(connection, start):
    """Send a start and then one byte after the other, for a minute if nobody leaves before."""
    connection.sendall(start)
    for _ in range(1200):
        time.sleep(0.05)
        connection.sendall(b"a")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False


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
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield provider
        server.shutdown()
