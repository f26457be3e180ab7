"""Every page needs a signed-in viewer, except the few that say otherwise (login_not_required)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from dcsportal.links import LONGEST_LINK, link_of, shown_link, sign_in_link

from .failures import failure_page, too_long

# A page of any site may load these within itself, as often as it likes and unseen.
_WITHIN_PAGES = ("embed", "fencedframe", "frame", "iframe", "object")


class SignInRequired(LoginRequiredMiddleware):
    """Sends a navigation to the sign-in with its link; answers 401 to what runs behind a page."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if match and match.url_name == "sso-start" and not is_navigation(request):
            # Another site's page, full of images of this address: it costs nothing, and counts for nobody.
            return self.handle_no_permission(request, view_func)
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]  # a redirect is not the only answer
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        response = _to_sign_in(request) if is_navigation(request) else _signed_out(request)
        patch_vary_headers(
            response, ["Accept", "HX-Request", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Purpose"]
        )
        return response


def is_navigation(request: HttpRequest) -> bool:
    """Tell whether a viewer opens a page: no script, image or frame of one, and no guess of the next one."""
    headers = request.headers
    if "HX-Request" in headers or "Sec-Purpose" in headers or headers.get("Sec-Fetch-Dest") in _WITHIN_PAGES:
        return False
    accept = headers.get("Accept", "*/*")
    # Old browsers say no mode: for an image they accept image/webp,*/*.
    return headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and (
        "text/html" in accept or accept.strip() == "*/*"
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
