"""Every page needs a signed-in viewer, except the few that say otherwise (login_not_required)."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from dcsportal.links import LONGEST_LINK, link_of, shown_link, sign_in_link

from .failures import failure_page, too_long


class SignInRequired(LoginRequiredMiddleware):
    """Sends a navigation to the sign-in with its link; answers 401 to what runs behind a page."""

    def handle_no_permission(  # type: ignore[override]  # a redirect is not the only answer
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        response = _to_sign_in(request) if is_navigation(request) else _signed_out(request)
        patch_vary_headers(response, ["Accept", "HX-Request", "Sec-Fetch-Mode"])
        return response


def is_navigation(request: HttpRequest) -> bool:
    if "HX-Request" in request.headers:
        return False
    accept = request.headers.get("Accept", "*/*")
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and (
        "text/html" in accept or "*/*" in accept
    )


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    # The address of a form is no page: its viewer comes back to the page that it stood on.
    link = link_of(request) if request.method in ("GET", "HEAD") else shown_link(request)
    if len(link) > LONGEST_LINK:
        return failure_page(request, too_long(link))
    return HttpResponse(status=302, headers={"Location": sign_in_link(link)})


def _signed_out(request: HttpRequest) -> JsonResponse:
    link = sign_in_link(shown_link(request))
    body = {"error": "signed_out", "message": _("You are signed out."), "sign_in": link}
    return JsonResponse(body, status=401, headers={"HX-Redirect": link})
