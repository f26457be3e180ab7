"""A sign-in that cannot be finished: what happened, and the way on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dcsportal import metrics
from dcsportal.links import query_of_next

from . import audit

RETRY_AFTER = "10"


@dataclass(frozen=True, slots=True)
class Page:
    """What the page of one kind of failure says."""

    status: int
    title: str | Promise
    what_happened: str | Promise
    what_to_do: str | Promise
    tone: str = "warn"
    icon: str = "lock"


PAGES = {
    "expired": Page(
        400,
        _("This sign-in took too long"),
        _(
            "It was started more than ten minutes ago or in another browser, or it was finished already, "
            "or this browser keeps no cookies."
        ),
        _("Start it again: while your company's sign-in still knows you, it asks nothing."),
        icon="clock",
    ),
    "refused": Page(
        403,
        _("The company's sign-in let nobody in"),
        _("It was cancelled there, or the company's sign-in does not let you use this portal."),
        _("Try again. If it is refused again, ask those who run your company's sign-in for access."),
    ),
    "error": Page(
        400,
        _("The company's sign-in reported an error"),
        _("The sign-in could not be finished there."),
        _("Try again. If it fails again, tell the portal's operators the code below."),
    ),
    "unavailable": Page(
        503,
        _("The company's sign-in does not answer"),
        _("It could not be reached, or its answer was of no use. This says nothing about your backups."),
        _("Try again in a moment: the link that you opened is kept."),
        icon="cloud-off",
    ),
    "misconfigured": Page(
        503,
        _("The company's sign-in refused the portal"),
        _("Not you, but the portal itself was refused: its name or secret there is wrong."),
        _("Tell the portal's operators. Until they have put it right, nobody can sign in."),
        tone="bad",
    ),
    "spent": Page(
        400,
        _("This sign-in was used already"),
        _("The company's sign-in accepts each answer once, and for a short time."),
        _("Start it again: while your company's sign-in still knows you, it asks nothing."),
        icon="clock",
    ),
    "untrusted": Page(
        400,
        _("The answer of the company's sign-in cannot be trusted"),
        _("What it said about you was not meant for this sign-in or not signed by it, so it was dropped."),
        _("Try again. If it fails again, tell the portal's operators the time: the reason was logged."),
        tone="bad",
    ),
    "clock": Page(
        400,
        _("The clocks do not agree"),
        _(
            "The company's sign-in and the portal disagree by more than two minutes about what time it is, "
            "so the portal cannot tell whether the answer is still valid."
        ),
        _("Tell the portal's operators: the clock of one of the two servers must be put right."),
        icon="clock",
    ),
    "no-group": Page(
        403,
        _("You are signed in, but may not use this portal"),
        _("The portal is open to some groups only, and you are in none of them."),
        _("Ask those who run your company's sign-in for one of these groups, then try again."),
        icon="user",
    ),
    "overage": Page(
        403,
        _("Your groups did not fit into the sign-in"),
        _(
            "You are in so many groups that the company's sign-in sent a pointer in place of their list. "
            "The portal does not know which projects are open to you, so it shows none."
        ),
        _(
            "Ask the portal's operators to let the sign-in send only the groups that are assigned to the "
            "portal: docs/sign-in.md says how."
        ),
        icon="user",
    ),
    "long-link": Page(
        400,
        _("This link is too long to be kept through the sign-in"),
        _("Links of up to 8 kB come back after the sign-in. This one is longer."),
        _("Copy the link, sign in, and then open it."),
        icon="link",
    ),
    "past-proxy": Page(
        403,
        _("This request did not come through the sign-in proxy"),
        _("It names a viewer, but only the company's sign-in proxy may do so. It was refused and logged."),
        _("Open the portal by its usual address."),
        tone="bad",
    ),
    "ambiguous": Page(
        403,
        _("The sign-in proxy named the viewer in a way that cannot be read"),
        _("The portal expects one viewer in each request, with a name that has no comma."),
        _("Tell the portal's operators: the reason was logged."),
        tone="bad",
    ),
    "no-proxy": Page(
        403,
        _("Sign in through the company's sign-in proxy"),
        _("Viewers come to this portal through a sign-in proxy, and this request did not bring a viewer."),
        _("Open the portal by its usual address, and sign in there when asked to."),
    ),
}


@dataclass
class SignInFailure(Exception):
    """Why somebody did not get in: `kind` is a key of PAGES, `reason` is for the log and the audit."""

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
    metrics.sign_in_ended(failure.kind)
    page = PAGES[failure.kind]
    start = f"{reverse('sign-in')}?{query_of_next(link)}"
    context = failure.facts | {"page": page, "kind": failure.kind, "retry_url": start}
    response = render(request, "sso/failure.html", context, status=page.status)
    if page.status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
