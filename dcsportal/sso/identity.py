"""Who somebody is, from the claims of the company's sign-in: name, e-mail, groups."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings

from .claims import Claims
from .failures import SignInFailure
from .models import Viewer

logger = logging.getLogger(__name__)

MOST_GROUPS = 2000
LONGEST_GROUP = 500


def described_by(claims: Claims, *, groups_claim: str) -> Viewer:
    """Return a viewer who is not in the database, or not yet as these claims of the provider say."""
    names = (clean(claims.get(name), 255) for name in ("name", "preferred_username", "email"))
    return Viewer(
        issuer=claims["iss"],
        subject=claims["sub"],
        name=next(filter(None, names), claims["sub"]),
        email=clean(claims.get("email"), 254),
        groups=group_names(claim_at(claims, groups_claim)),
    )


def refuse_without_a_group(person: Viewer) -> None:
    """Let in who is in one of SSO_ALLOWED_GROUPS, or everybody where it is empty."""
    allowed = settings.SSO_ALLOWED_GROUPS
    if allowed and set(allowed).isdisjoint(person.groups):
        facts = {"viewer": person, "allowed": allowed}
        raise SignInFailure("no-group", "the viewer is in none of SSO_ALLOWED_GROUPS", facts)


def claim_at(claims: Claims, name: str) -> Any:
    """Return the claim of that very name, else the one at the dotted path, such as `realm_access.roles`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def groups_are_elsewhere(claims: Claims, groups_claim: str) -> bool:
    """Tell whether a pointer stands in place of the groups, as Entra ID does for a viewer with many."""
    pointers = claims.get("_claim_names")
    return claim_at(claims, groups_claim) is None and (
        (isinstance(pointers, dict) and groups_claim in pointers) or claims.get("hasgroups") in (True, "true")
    )


def group_names(value: Any) -> list[str]:
    """Return groups from a list, from one name, or from several with commas between.

    A directory's own name, such as CN=support,OU=groups, has commas too: it stays whole. Names are compared
    as they are, but for a first slash: one that could only be compared after cleaning counts for nothing.
    """
    if isinstance(value, str):
        value = [value] if "=" in value else [name.strip(" \t") for name in value.split(",")]
    items: Iterable[Any] = value if isinstance(value, list) else []
    names = (item.removeprefix("/") for item in items if isinstance(item, str) and _is_comparable(item))
    return list(dict.fromkeys(filter(None, names)))[:MOST_GROUPS]


def _is_comparable(group: str) -> bool:
    comparable = group.isprintable() and len(group) <= LONGEST_GROUP
    if not comparable:
        _log_once(ascii(group[:100]))
    return comparable


@lru_cache(maxsize=256)
def _log_once(group: str) -> None:
    logger.warning("The group %s counts for nothing: it is too long or has unprintable characters.", group)


def clean(value: Any, longest: int) -> str:
    """Return text that every database takes: no control characters, no lone surrogates."""
    if not isinstance(value, str):
        return ""
    printable = "".join(filter(str.isprintable, value))
    return printable.encode("utf-8", "ignore").decode()[:longest].strip()
