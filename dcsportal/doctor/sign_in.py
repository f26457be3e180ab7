"""The way in for viewers: the provider's announcement, keys, clock, and whether it knows the portal."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from dcsportal.sso import provider
from dcsportal.sso.claims import ASYMMETRIC
from dcsportal.sso.failures import SignInFailure

from .clocks import clock_findings
from .findings import Finding, cause, note, well, wrong

SUBJECT = "sign-in"
# The portal and the provider may disagree by two minutes.
TOLERANCE = 120.0


def sign_in_findings() -> Iterator[Finding]:
    if settings.SSO_ISSUER:
        yield from _provider_findings()
    elif settings.SSO_PROXY_USER_HEADER:
        proxies = ", ".join(str(network) for network in settings.SSO_TRUSTED_PROXIES)
        yield well(SUBJECT, f"A proxy at {proxies} names viewers in {settings.SSO_PROXY_USER_HEADER}.")
        yield note(
            SUBJECT,
            "Whether the proxy replaces that header in every request cannot be seen from here.",
            "Try it: a request with the header, sent through the proxy, must not be believed.",
        )
    elif settings.DCS_DEMO:
        yield note(SUBJECT, "The demo signs in whoever asks.", "Switch DCS_DEMO off for real data.")


def _provider_findings() -> Iterator[Finding]:
    issuer = settings.SSO_ISSUER
    yield from clock_findings(SUBJECT, issuer, wrong_from=TOLERANCE)
    asked = provider.Provider(issuer)
    try:
        metadata = asked.metadata()
    except SignInFailure as failure:
        yield wrong(
            SUBJECT,
            f"The provider's announcement at {issuer}/.well-known/openid-configuration cannot be used: "
            f"{failure.reason}{cause(failure)}.",
            "Check SSO_ISSUER, that this machine reaches it (HTTPS_PROXY, NO_PROXY), and its certificate "
            "(REQUESTS_CA_BUNDLE).",
        )
        return
    yield well(SUBJECT, f"The provider at {metadata.issuer} announces all that is needed.")
    yield from _key_findings(asked, metadata)
    yield from _client_findings(metadata)


def _key_findings(asked: provider.Provider, metadata: provider.Metadata) -> Iterator[Finding]:
    accepted = sorted(ASYMMETRIC.intersection(metadata.algorithms))
    if not accepted:
        yield wrong(
            SUBJECT,
            f"The provider signs with {', '.join(metadata.algorithms)}, none of which the portal accepts.",
            "Let the provider sign the portal's ID tokens with RS256 or ES256.",
        )
        return
    try:
        count = len(asked.keys(metadata))
    except SignInFailure as failure:
        yield wrong(
            SUBJECT,
            f"The provider's keys at {metadata.jwks_uri} cannot be read: {failure.reason}{cause(failure)}.",
            "Let this machine reach that address too.",
        )
        return
    if not count:
        yield wrong(SUBJECT, "The provider publishes no key for signatures.", "Look at the provider's keys.")
    else:
        yield well(SUBJECT, f"Its {count} key(s) can be read; it signs with {', '.join(accepted)}.")


def _client_findings(metadata: provider.Metadata) -> Iterator[Finding]:
    """Offer a code that cannot be right: whoever knows the portal refuses the code, others the portal."""
    try:
        provider.tokens(metadata, code="asked-by-the-doctor", verifier="0" * 43)
    except SignInFailure as failure:
        if failure.kind == "spent":
            yield well(
                SUBJECT, f"The provider knows the client {settings.SSO_CLIENT_ID}, and accepts its secret."
            )
        elif failure.kind == "misconfigured":
            yield wrong(
                SUBJECT,
                f"The provider does not accept the client {settings.SSO_CLIENT_ID} or its secret "
                f"({failure.reason}).",
                "Check SSO_CLIENT_ID and SSO_CLIENT_SECRET: the secret may have expired, or be another's.",
            )
        else:
            yield note(
                SUBJECT,
                f"Whether the provider accepts the client {settings.SSO_CLIENT_ID} could not be found out: "
                f"{failure.reason}.",
                "Sign in once, and look at the portal's log if that fails.",
            )
    address = f"{settings.PORTAL_URL}/sso/callback/"
    yield note(SUBJECT, f"The redirect URI that must be registered there is {address}")
