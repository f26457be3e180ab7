"""What the provider announces about itself, as far as the portal needs it."""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec

from dcsportal.environment import is_safe, parsed_web_address

from .failures import SignInFailure

logger = logging.getLogger(__name__)


class Metadata(
    msgspec.Struct,
    frozen=True,
    rename={
        "algorithms": "id_token_signing_alg_values_supported",
        "auth_methods": "token_endpoint_auth_methods_supported",
        "names_issuer": "authorization_response_iss_parameter_supported",
    },
):
    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    names_issuer: bool = False

    def auth_method(self, client_id: str, client_secret: str) -> str:
        """Choose how the portal proves who it is; without a secret it is a public client.

        How characters such as : and % are written in client_secret_basic, providers disagree:
        with one of them client_secret_post is taken where it is offered.
        """
        if not client_secret:
            return "none"
        is_plain = re.fullmatch(r"[A-Za-z0-9._~-]*", client_id + client_secret)
        takes_basic = is_plain and "client_secret_basic" in self.auth_methods
        takes_post = "client_secret_post" in self.auth_methods and not takes_basic
        return "client_secret_post" if takes_post else "client_secret_basic"


def checked_metadata(answer: dict[str, Any], *, issuer: str) -> Metadata:
    try:
        metadata = msgspec.convert({n: value for n, value in answer.items() if value is not None}, Metadata)
    except msgspec.ValidationError as error:
        raise SignInFailure("unavailable", f"the provider's announcement cannot be read: {error}") from error
    # A slash at the end belongs to the issuer, but is easily lost on the way into a setting.
    if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
        logger.error("SSO_ISSUER is %s, but the provider there calls itself %.200r.", issuer, metadata.issuer)
        raise SignInFailure("unavailable", "the provider calls itself otherwise than SSO_ISSUER")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _usable(getattr(metadata, name)):
            raise SignInFailure("unavailable", f"the provider announces no usable {name}")
    optional = ("userinfo_endpoint", "end_session_endpoint")
    return msgspec.structs.replace(metadata, **{name: _usable(getattr(metadata, name)) for name in optional})


def _usable(endpoint: str) -> str:
    """Return an announced address, "" for what is none; http counts on loopback only."""
    address = parsed_web_address(endpoint)
    return endpoint if address and is_safe(address) else ""
