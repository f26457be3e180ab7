"""Signing in and out, by whichever door this installation has: the company's provider, a proxy, the demo."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from dcsportal.links import is_too_long, query_of_next, safe_link, see_other

from . import audit, pending
from .backend import PEOPLE
from .claims import (
    Claims,
    described_by,
    groups_are_elsewhere,
    groups_claim,
    id_token_claims,
    is_subject,
    refuse_without_a_group,
)
from .failures import SignInFailure, failure_page, too_long
from .metadata import Metadata
from .middleware import named_in
from .models import Viewer
from .provider import Provider, one_of, provider, refusal_of_provider
from .sessions import end_session, remember_provider_session, start_session


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Go on to the company's sign-in, or offer the demo's people, or sign one of them in."""
    if request.method == "POST":
        return _sign_in_to_demo(request)
    asked = request.GET.get("next", "")
    if is_too_long(asked):
        return failure_page(request, too_long(asked))
    link = safe_link(asked)
    if settings.SSO_ISSUER:
        other = "&account=other" if request.GET.get("account") == "other" else ""
        location = f"{reverse('sso-start')}?{query_of_next(link)}{other}"
        return HttpResponse(status=302, headers={"Location": location})
    if settings.SSO_PROXY_USER_HEADER:
        return _sign_in_by_proxy(request, link)
    context = {"people": PEOPLE if settings.DCS_DEMO else (), "next": link}
    return render(request, "sign_in.html", context, status=200 if settings.DCS_DEMO else 503)


def _sign_in_by_proxy(request: HttpRequest, link: str) -> HttpResponse:
    """Send a viewer whom the proxy names to the page; there is nothing else to do here."""
    try:
        if named_in(request) is not None:
            return see_other(link)
        raise SignInFailure("no-proxy", "the request names no viewer")
    except SignInFailure as failure:
        return failure_page(request, failure, link=link)


def _sign_in_to_demo(request: HttpRequest) -> HttpResponse:
    person = next((person for person in PEOPLE if person.key == request.POST.get("person")), None)
    other_doors = settings.SSO_ISSUER or settings.SSO_PROXY_USER_HEADER
    if not settings.DCS_DEMO or other_doors or person is None:
        raise Http404
    start_session(request, person.viewer())
    return see_other(safe_link(request.POST.get("next", "")))


# By OpenID Connect: to the provider and back -----------------------------------------


@login_not_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in of its own for this link, and go to the provider."""
    sso = provider()
    asked = request.GET.get("next", "")
    if is_too_long(asked):
        return failure_page(request, too_long(asked))
    begun = pending.begin(safe_link(asked))
    asked_for = {"state": pending.state_of(begun), "nonce": begun.made("nonce")}
    asked_for |= {"prompt": "login"} if request.GET.get("account") == "other" else {}
    try:
        url = sso.authorization_url(verifier=begun.made("verifier"), **asked_for)
    except SignInFailure as failure:
        return failure_page(request, failure, link=begun.link)
    response = see_other(url)
    pending.remember(request, response, begun)
    return response


@login_not_required
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Finish the sign-in that the provider sends back, and go to the link with which it began."""
    sso = provider()
    state = request.GET.get("state", "")
    begun = pending.recall(request, state)
    if begun is None:
        link = pending.link_in(state)
        if link and request.user.is_authenticated:
            # Back, a double click, a restored tab, a program that opened the link first: whoever is signed in
            # already goes on to the link, and nobody is signed in by it.
            return see_other(link)
        failure = SignInFailure("expired", "no sign-in of this state has begun in this browser")
        return failure_page(request, failure, link=link or "/")
    try:
        with one_of(sso.callbacks):
            _finish(request, sso, begun)
        response = see_other(begun.link)
    except SignInFailure as failure:
        goes_on = failure.kind == "spent" and request.user.is_authenticated
        response = see_other(begun.link) if goes_on else failure_page(request, failure, link=begun.link)
    pending.forget(response, begun)
    return response


def _finish(request: HttpRequest, sso: Provider, begun: pending.Pending) -> None:
    tokens = sso.tokens(code=_code(request, sso.metadata()), verifier=begun.made("verifier"))
    access_token, issuer = str(tokens.get("access_token") or ""), sso.metadata().issuer
    id_token = sso.verified(tokens["id_token"])
    nonce = begun.made("nonce")
    claims = id_token_claims(id_token, issuer=issuer, nonce=nonce, access_token=access_token)
    person = _person(sso, claims, access_token)
    refuse_without_a_group(person)
    viewer = start_session(request, person)
    sid = str(claims["sid"]) if is_subject(claims.get("sid")) else ""
    remember_provider_session(request, viewer, sid=sid, id_token=tokens["id_token"])


# The provider's codes of errors, as kinds of failures.
_KINDS = {
    "access_denied": "refused",
    **dict.fromkeys(("server_error", "temporarily_unavailable"), "unavailable"),
}


def _code(request: HttpRequest, metadata: Metadata) -> str:
    """Return the code of the provider's answer, if it is this provider's and no refusal."""
    named = request.GET.get("iss")
    if (named is None and metadata.names_issuer) or (named is not None and named != metadata.issuer):
        raise SignInFailure("untrusted", "the answer is of another issuer")
    if error := request.GET.get("error"):
        raise refusal_of_provider(_KINDS.get(error, "error"), error)
    if not (code := request.GET.get("code", "")):
        raise SignInFailure("error", "the answer has no code")
    return code


def _person(sso: Provider, claims: Claims, access_token: str) -> Viewer:
    """Return who it is; userinfo is asked only for what the ID token leaves out."""
    elsewhere, lacks_groups = groups_are_elsewhere(claims), groups_claim(claims) is None
    lacks_name = not any(claims.get(key) for key in ("name", "preferred_username", "email"))
    if sso.metadata().userinfo_endpoint and not elsewhere and (lacks_groups or lacks_name):
        claims = sso.userinfo(access_token=access_token, subject=claims["sub"]) | claims
        elsewhere = groups_are_elsewhere(claims)
    person = described_by(claims)
    groups_matter = settings.SSO_ALLOWED_GROUPS or any(
        project["groups"] for project in settings.DCS_PROJECTS.values()
    )
    if elsewhere and groups_matter:
        raise SignInFailure("overage", "the groups did not fit into the token", {"viewer": person})
    return person


# Signing out ---------------------------------------------------------------------


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here, and the provider's there."""
    if request.user.is_authenticated:
        audit.record(request, "sign-out", request.user)
    id_token = end_session(request)
    onward = _provider_sign_out(request, id_token) if settings.SSO_ISSUER else None
    return onward or see_other(reverse("signed-out"))


def _provider_sign_out(request: HttpRequest, id_token: str) -> HttpResponse | None:
    """Return the way to the provider's sign-out, None where it has none or does not answer."""
    try:
        endpoint = provider().metadata().end_session_endpoint
    except SignInFailure:
        return None
    if not endpoint:
        return None
    back = settings.PORTAL_URL + reverse("signed-out")
    query = {"client_id": settings.SSO_CLIENT_ID, "post_logout_redirect_uri": back}
    query |= {"id_token_hint": id_token} if id_token else {}
    url = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"
    if urlsplit(endpoint)[:2] == urlsplit(settings.SSO_ISSUER)[:2]:
        return see_other(url)
    # The page's policy lets a form lead to this site and the issuer only: from here a page goes on by itself.
    return render(request, "sso/leaving.html", {"onward": url})


@login_not_required
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "signed_out.html", {"by_proxy": bool(settings.SSO_PROXY_USER_HEADER)})
