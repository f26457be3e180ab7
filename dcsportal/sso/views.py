"""Signing in and out. The company's sign-in will stand beside the demo's people here."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dcsportal.links import safe_link, see_other

from .demo import ISSUER, PEOPLE
from .sessions import start_session


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Offer the demo's people, or sign one of them in."""
    if request.method == "POST":
        return _sign_in_to_demo(request)
    context = {"people": PEOPLE if settings.DCS_DEMO else (), "next": safe_link(request.GET.get("next", ""))}
    return render(request, "sign_in.html", context, status=200 if settings.DCS_DEMO else 503)


def _sign_in_to_demo(request: HttpRequest) -> HttpResponse:
    person = next((person for person in PEOPLE if person.key == request.POST.get("person")), None)
    if not settings.DCS_DEMO or person is None:
        raise Http404
    start_session(
        request,
        issuer=ISSUER,
        subject=person.key,
        name=person.name,
        email=person.email,
        groups=list(person.groups),
    )
    return see_other(safe_link(request.POST.get("next", "")))


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    response = redirect("signed-out")
    response.status_code = 303
    return response


@login_not_required
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "signed_out.html")
