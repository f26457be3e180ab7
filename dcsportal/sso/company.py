"""The company's sign-in by OpenID Connect: to the provider and back, and the provider's logout call."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from dcsportal.links import is_too_long, safe_link, see_other

from . import audit, backchannel, pending, provider
from .claims import Claims, id_token_claims, is_subject
from .failures import SignInFailure, failure_page, too_long
from .identity import Identity, claim_at, groups_are_elsewhere, identity_of, refuse_without_a_group
from .provider import Metadata
from .sessions import remember_provider_session, start_session


@login_not_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in of its own for this link, and go to the provider."""
    _only_with_a_provider()
    asked = request.GET.get("next", "")
    link = safe_link(asked)
    try:
        if is_too_long(asked):
            raise too_long(asked)
        metadata = provider.provider().metadata(max_age=provider.FRESH)
        begun = pending.begin(link)
        response = see_other(_authorization_url(request, metadata, begun))
        pending.remember(request, response, begun)
    except SignInFailure as failure:
        return failure_page(request, failure, link=link)
    return response


def _authorization_url(request: HttpRequest, metadata: Metadata, begun: pending.Pending) -> str:
    extra = {"prompt": "login"} if request.GET.get("account") == "other" else {}
    url, _ = provider.client(metadata).create_authorization_url(
        metadata.authorization_endpoint,
        state=begun.state,
        nonce=begun.nonce,
        code_verifier=begun.verifier,
        **extra,
    )
    return str(url)


@login_not_required
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Finish the sign-in that the provider sends back, and go to the link with which it began."""
    _only_with_a_provider()
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
        with provider.provider().one_of_few_callbacks():
            _finish(request, begun)
        response = see_other(begun.link)
    except SignInFailure as failure:
        goes_on = failure.kind == "spent" and request.user.is_authenticated
        response = see_other(begun.link) if goes_on else failure_page(request, failure, link=begun.link)
    pending.forget(response, state)
    return response


def _finish(request: HttpRequest, begun: pending.Pending) -> None:
    metadata = provider.provider().metadata()
    code = _code(request, metadata)
    tokens = provider.tokens(metadata, code=code, verifier=begun.verifier)
    access_token = str(tokens.get("access_token") or "")
    claims = id_token_claims(
        provider.provider().verified(tokens["id_token"]),
        issuer=metadata.issuer,
        client_id=settings.SSO_CLIENT_ID,
        nonce=begun.nonce,
        access_token=access_token,
    )
    identity = _identity(claims, metadata, access_token)
    refuse_without_a_group(identity)
    viewer = start_session(request, identity)
    sid = str(claims["sid"]) if is_subject(claims.get("sid")) else ""
    remember_provider_session(request, viewer, sid=sid, id_token=tokens["id_token"])


# The provider's codes of errors, as kinds of failures.
_KINDS = {
    "access_denied": "refused",
    "server_error": "unavailable",
    "temporarily_unavailable": "unavailable",
}


def _code(request: HttpRequest, metadata: Metadata) -> str:
    """Return the code of the provider's answer, if it is this provider's and no refusal."""
    named = request.GET.get("iss")
    if (named is None and metadata.names_issuer) or (named is not None and named != metadata.issuer):
        raise SignInFailure("untrusted", "the answer is of another issuer")
    if error := request.GET.get("error"):
        raise SignInFailure(
            _KINDS.get(error, "error"),
            f"the provider answered {error:.60}",
            {"code": provider.shown_code(error)},
        )
    if not (code := request.GET.get("code", "")):
        raise SignInFailure("error", "the answer has no code")
    return code


def _identity(claims: Claims, metadata: Metadata, access_token: str) -> Identity:
    """Return who it is; userinfo is asked only for what the ID token leaves out."""
    name = settings.SSO_GROUPS_CLAIM
    elsewhere = groups_are_elsewhere(claims, name)
    lacks_groups = claim_at(claims, name) is None
    lacks_name = not any(claims.get(key) for key in ("name", "preferred_username", "email"))
    if metadata.userinfo_endpoint and not elsewhere and (lacks_groups or lacks_name):
        more = provider.userinfo(metadata, access_token=access_token, subject=claims["sub"])
        claims = more | claims
        elsewhere = groups_are_elsewhere(claims, name)
    identity = identity_of(claims, issuer=metadata.issuer, groups_claim=name)
    if elsewhere and _groups_matter():
        raise SignInFailure("overage", "the groups did not fit into the token", {"viewer": identity.facts})
    return identity


def _groups_matter() -> bool:
    return bool(settings.SSO_ALLOWED_GROUPS) or any(
        project["groups"] for project in settings.DCS_PROJECTS.values()
    )


# Signing out at the provider -----------------------------------------------------


def provider_sign_out(request: HttpRequest, id_token: str) -> HttpResponse | None:
    """Return the way to the provider's sign-out, None where it has none or does not answer."""
    try:
        endpoint = provider.provider().metadata().end_session_endpoint
    except SignInFailure:
        return None
    if not endpoint:
        return None
    query = {
        "client_id": settings.SSO_CLIENT_ID,
        "post_logout_redirect_uri": settings.PORTAL_URL + reverse("signed-out"),
    }
    if id_token:
        query["id_token_hint"] = id_token
    url = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"
    if origin(endpoint) == origin(settings.SSO_ISSUER):
        return see_other(url)
    # The page's policy lets a form lead to this site and the issuer only: from here a page goes on by itself.
    return render(request, "sso/leaving.html", {"onward": url})


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@csrf_exempt  # the provider calls, with a token that it signed
@login_not_required
@sensitive_post_parameters()
@require_POST
def back_channel_logout(request: HttpRequest) -> HttpResponse:
    """End the sessions that the provider's logout token names."""
    _only_with_a_provider()
    try:
        ended = backchannel.log_out(request.POST.get("logout_token", ""))
    except SignInFailure as failure:
        audit.refusal(request, "back-channel-logout", failure.reason)
        status = 503 if failure.kind == "unavailable" else 400
        body = {"error": "invalid_request", "error_description": failure.reason[:200]}
        return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
    audit.record(request, "back-channel-logout", ended.facts, sessions=ended.sessions)
    return HttpResponse(status=200, headers={"Cache-Control": "no-store"})


def _only_with_a_provider() -> None:
    if not settings.SSO_ISSUER:
        raise Http404
