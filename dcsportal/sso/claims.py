"""What a token says, checked word by word: signature first, then each claim."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from .failures import SignInFailure

SKEW = 120
LONGEST_TOKEN = 64 * 1024

# `none` signs nothing, and the HMAC ones would take a public key for a shared secret.
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)

Claims = dict[str, Any]


class UnknownKey(Exception):
    """The token names a key that is not among the known ones: they may have been rotated."""


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a compact token, unchecked."""
    if len(token) > LONGEST_TOKEN or not token.isascii() or token.count(".") != 2:
        raise SignInFailure("untrusted", "the token is not a signed JWT")
    first = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError) as error:
        raise SignInFailure("untrusted", "the token's header cannot be read") from error
    if not isinstance(header, dict):
        raise SignInFailure("untrusted", "the token's header is no object")
    return header


def verified(token: str, keys: Sequence[Mapping[str, Any]], announced: Sequence[str]) -> Claims:
    """Return the claims of a token that one of the provider's keys signed, with an algorithm it announced."""
    header = header_of(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ASYMMETRIC.intersection(announced):
        raise SignInFailure("untrusted", f"the token's algorithm {algorithm!r:.40} is not accepted")
    candidates = [key for key in keys if kid is None or key.get("kid") == kid]
    if not candidates:
        raise UnknownKey(kid)
    for key in candidates:
        try:
            return jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            continue
    raise SignInFailure("untrusted", "the token's signature is wrong")


def check_id_token(claims: Claims, *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    check_origin(claims, issuer=issuer, client_id=client_id)
    check_times(claims, now=now)
    if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(
        claims["nonce"].encode("utf-8", "replace"), nonce.encode()
    ):
        raise SignInFailure("untrusted", "the token's nonce is not of this sign-in")
    subject = claims.get("sub")
    if not is_subject(subject):
        raise SignInFailure("untrusted", "the token names nobody (sub)")


def check_origin(claims: Claims, *, issuer: str, client_id: str) -> None:
    """Refuse a token of another issuer or for another client, also where both are named."""
    if claims.get("iss") != issuer:
        raise SignInFailure("untrusted", f"the token's issuer is {claims.get('iss')!r:.200}")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise SignInFailure("untrusted", f"the token's audience is {audience!r:.200}")
    party = claims.get("azp")
    if party != client_id and (party is not None or len(audiences) > 1):
        raise SignInFailure("untrusted", f"the token's authorized party is {party!r:.200}")


def check_times(claims: Claims, *, now: float) -> None:
    expires, issued, starts = (_number(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise SignInFailure("untrusted", "the token lacks exp or iat")
    if now >= expires + SKEW:
        raise SignInFailure("clock", f"the token expired {now - expires:.0f} s ago")
    if max(issued, starts or 0) > now + SKEW:
        raise SignInFailure("clock", f"the token begins in {max(issued, starts or 0) - now:.0f} s")


def is_subject(value: Any) -> bool:
    """Tell whether it is a text that can name somebody: every database takes it, and people can read it."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _number(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise SignInFailure("untrusted", f"the token's {name} is no time")
    return float(value)
