"""A sign-in that cannot be finished: why, and its page, whose words are in templates/sso/failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dcsportal import metrics
from dcsportal.links import sign_in_link

from . import audit

# The kinds of failures, and the status of their pages.
STATUS = {
    **dict.fromkeys(("expired", "error", "spent", "untrusted", "clock", "long-link"), 400),
    **dict.fromkeys(("refused", "no-group", "overage", "past-proxy", "ambiguous", "no-proxy"), 403),
    **dict.fromkeys(("unavailable", "misconfigured"), 503),
}


@dataclass
class SignInFailure(Exception):
    """Why somebody did not get in: `kind` is a key of STATUS, `reason` is for the log and the audit."""

    kind: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def too_long(link: str) -> SignInFailure:
    """Return the failure of a link that no sign-in can keep, with the whole of it to copy."""
    return SignInFailure("long-link", "the link is too long", {"link": settings.PORTAL_URL + link})


def failure_page(request: HttpRequest, failure: SignInFailure, *, link: str = "/") -> HttpResponse:
    """Render the page of a failure; trying again keeps the link. The reason goes to the audit only."""
    audit.refusal(request, failure.kind, failure.reason, failure.facts.get("viewer"))
    metrics.SIGN_INS.labels(failure.kind).inc()
    status = STATUS[failure.kind]
    context: dict[str, Any] = {"viewer": None, "code": "", "allowed": (), "link": ""}
    context |= failure.facts | {"kind": failure.kind, "retry_url": sign_in_link(link)}
    response = render(request, f"sso/failures/{failure.kind}.html", context, status=status)
    if status == 503:
        response.headers["Retry-After"] = "10"
    return response
