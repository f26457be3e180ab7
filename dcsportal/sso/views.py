"""Signing in and out, by whichever door this installation has: the company's provider, a proxy, the demo."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dcsportal.links import is_too_long, query_of_next, safe_link, see_other

from . import audit, company
from .backend import PEOPLE
from .failures import SignInFailure, failure_page, too_long
from .middleware import named_in
from .sessions import end_session, start_session


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


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here, and the provider's there."""
    if request.user.is_authenticated:
        audit.record(request, "sign-out", request.user)
    id_token = end_session(request)
    onward = company.provider_sign_out(request, id_token) if settings.SSO_ISSUER else None
    return onward or see_other(reverse("signed-out"))


@login_not_required
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "signed_out.html", {"by_proxy": bool(settings.SSO_PROXY_USER_HEADER)})
