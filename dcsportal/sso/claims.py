"""What a token says: its signature is checked first, then each claim, by joserfc and Authlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import JWKRegistry

from .failures import SignInFailure

SKEW = 120
# `none` signs nothing, and the HMAC ones would take a public key for a shared secret.
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)

Claims = dict[str, Any]


class UnknownKey(Exception):
    """The token names a key that is not among the known ones: they may have been rotated."""


def verified(token: str, keys: Sequence[Mapping[str, Any]], announced: Sequence[str]) -> jwt.Token:
    """Return a token that one of the provider's keys signed, with an algorithm that it announced."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFailure("untrusted", "the token is not a signed JWT") from error
    algorithm, kid = str(header.get("alg")), header.get("kid")
    if algorithm not in ASYMMETRIC.intersection(announced):
        raise SignInFailure("untrusted", f"the token's algorithm {algorithm!r:.40} is not accepted")
    candidates = [key for key in keys if kid is None or key.get("kid") == kid]
    if not candidates:
        raise UnknownKey(kid)
    for key in candidates:
        try:
            return jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=[algorithm])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            continue
    raise SignInFailure("untrusted", "the token's signature is wrong")


def id_token_claims(token: jwt.Token, *, issuer: str, nonce: str, access_token: str = "") -> Claims:
    """Return the claims of an ID token that was meant for this very sign-in."""
    # Authlib knows the older name only.
    header = token.header | {"alg": str(token.header["alg"]).replace("Ed25519", "EdDSA")}
    meant = {"nonce": nonce, "client_id": settings.SSO_CLIENT_ID, "access_token": access_token}
    subject = {"sub": {"essential": True, "validate": lambda _, value: is_subject(value)}}
    return _checked(CodeIDToken(token.claims, header, _meant_for_us(issuer) | subject, meant))


def logout_token_claims(token: jwt.Token, *, issuer: str) -> Claims:
    options = _meant_for_us(issuer) | {"iat": {"essential": True}, "jti": {"essential": True}}
    return _checked(JWTClaims(token.claims, token.header, options))


def userinfo_claims(token: jwt.Token, *, issuer: str) -> Claims:
    """Return the claims of a signed userinfo answer, which need not say when it was made."""
    return _checked(JWTClaims(token.claims, token.header, _meant_for_us(issuer)))


def is_subject(value: Any) -> bool:
    """Tell whether it is a text that can name somebody: every database takes it, and people can read it."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _meant_for_us(issuer: str) -> dict[str, Any]:
    """Return what refuses another issuer's token, or another client's, which Authlib accepts if not told."""
    return {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": settings.SSO_CLIENT_ID},
    }


def _checked(claims: Any) -> Claims:
    try:
        claims.validate(leeway=SKEW)
    except ExpiredTokenError as error:
        raise SignInFailure("clock", "the token has expired") from error
    except InvalidClaimError as error:
        begins = claims.get(error.claim)
        if error.claim in ("iat", "nbf") and isinstance(begins, int | float) and begins is not True:
            raise SignInFailure("clock", f"the token begins later ({error.claim})") from error
        raise SignInFailure("untrusted", f"the token's {error.claim} is {begins!r:.200}") from error
    except (MissingClaimError, TypeError) as error:
        raise SignInFailure("untrusted", f"the token cannot be read ({error})") from error
    return dict(claims)
