"""What a token says, its signature checked first, then each claim by joserfc and Authlib; and who that is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import JWKRegistry

from .failures import SignInFailure
from .models import Viewer

logger = logging.getLogger(__name__)

SKEW = 120
# `none` signs nothing, and the HMAC ones would take a public key for a shared secret.
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
MOST_GROUPS = 2000
LONGEST_GROUP = 500

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


def id_token_claims(token: jwt.Token, *, issuer: str, nonce: str, access_token: str) -> Claims:
    """Return the claims of an ID token that was meant for this very sign-in."""
    # Authlib knows the older name only.
    header = token.header | {"alg": str(token.header["alg"]).replace("Ed25519", "EdDSA")}
    meant = {"nonce": nonce, "client_id": settings.SSO_CLIENT_ID, "access_token": access_token}
    rules = _meant_for_us(issuer) | {
        "sub": {"essential": True, "validate": lambda _, value: is_subject(value)}
    }
    return _checked(CodeIDToken(token.claims, header, rules, meant))


def checked_claims(token: jwt.Token, *, issuer: str, essential: Collection[str] = ()) -> Claims:
    """Return the claims of another token of the provider, such as signed userinfo."""
    rules = _meant_for_us(issuer) | {name: {"essential": True} for name in essential}
    return _checked(JWTClaims(token.claims, token.header, rules))


def is_subject(value: Any) -> bool:
    """Tell whether it is a text that can name somebody: every database takes it, and people can read it."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _meant_for_us(issuer: str) -> dict[str, Any]:
    """Return what refuses another issuer's token, or another client's, which Authlib accepts if not told."""
    values = {"iss": issuer, "aud": settings.SSO_CLIENT_ID}
    return {name: {"essential": True, "value": value} for name, value in values.items()}


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


# Who it is: name, e-mail, groups ----------------------------------------------


def described_by(claims: Claims) -> Viewer:
    """Return a viewer who is not in the database, or not yet as these claims of the provider say."""
    names = (clean(claims.get(name), 255) for name in ("name", "preferred_username", "email"))
    return Viewer(
        issuer=claims["iss"],
        subject=claims["sub"],
        name=next(filter(None, names), claims["sub"]),
        email=clean(claims.get("email"), 254),
        groups=group_names(groups_claim(claims)),
    )


def refuse_without_a_group(person: Viewer) -> None:
    """Let in who is in one of SSO_ALLOWED_GROUPS, or everybody where it is empty."""
    allowed = settings.SSO_ALLOWED_GROUPS
    if allowed and set(allowed).isdisjoint(person.groups):
        facts = {"viewer": person, "allowed": allowed}
        raise SignInFailure("no-group", "the viewer is in none of SSO_ALLOWED_GROUPS", facts)


def groups_claim(claims: Claims) -> Any:
    """Return the claim of SSO_GROUPS_CLAIM, else that at the dotted path, such as `realm_access.roles`."""
    name = settings.SSO_GROUPS_CLAIM
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def groups_are_elsewhere(claims: Claims) -> bool:
    """Tell whether a pointer stands in place of the groups, as Entra ID does for a viewer with many."""
    pointers = claims.get("_claim_names")
    points = isinstance(pointers, dict) and settings.SSO_GROUPS_CLAIM in pointers
    return groups_claim(claims) is None and (points or claims.get("hasgroups") in (True, "true"))


def group_names(value: Any) -> list[str]:
    """Return groups from a list, from one name, or from several with commas between.

    A directory's own name, such as CN=support,OU=groups, has commas too: it stays whole. Names are compared
    as they are, but for a first slash: one that could only be compared after cleaning counts for nothing.
    """
    if isinstance(value, str):
        value = [value] if "=" in value else [name.strip(" \t") for name in value.split(",")]
    items = value if isinstance(value, list) else []
    names = (item.removeprefix("/") for item in items if isinstance(item, str) and _is_comparable(item))
    return list(dict.fromkeys(filter(None, names)))[:MOST_GROUPS]


@lru_cache(maxsize=4096)  # a proxy names the same ones in every request: each is logged once
def _is_comparable(group: str) -> bool:
    if group.isprintable() and len(group) <= LONGEST_GROUP:
        return True
    logger.warning(
        "The group %s counts for nothing: it is too long or has unprintable characters.", ascii(group[:100])
    )
    return False


def clean(value: Any, longest: int) -> str:
    """Return text that every database takes: no control characters, no lone surrogates."""
    if not isinstance(value, str):
        return ""
    printable = "".join(filter(str.isprintable, value))
    return printable.encode("utf-8", "ignore").decode()[:longest].strip()
