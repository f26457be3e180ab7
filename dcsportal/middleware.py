"""What every response carries, and how every request came in."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
            *("microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb"),
        )
    ),
    # Pages hold what one viewer may see; static files say `public` themselves.
    "Cache-Control": "private, no-store",
}

# What a load balancer and Prometheus ask each server for, by that machine's own address.
MACHINE_PATHS = ("/healthz", "/readyz", "/metrics", "/metrics/instances")


def portal_address(get_response: GetResponse) -> GetResponse:
    """Take https-ness from PORTAL_URL, whatever a proxy in between says or forgets to say.

    For what is asked by this machine's address, the host is taken from it too.
    """
    portal = urlsplit(settings.PORTAL_URL)
    first = settings.ALLOWED_HOSTS[0].lstrip(".")
    health_host = portal.netloc if first == "*" else first

    def middleware(request: HttpRequest) -> HttpResponse:
        request.META["wsgi.url_scheme"] = portal.scheme
        if request.path in MACHINE_PATHS:
            request.META["HTTP_HOST"] = health_host
        return get_response(request)

    return middleware


def cookies_as_named(get_response: GetResponse) -> GetResponse:
    """Drop the cookies that Django would know by another name than the browser does.

    Django takes every space of Unicode off a name. With one in front, any host of the domain could plant
    a `__Host-` cookie: to the browser it is none.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        cookies = request.META.get("HTTP_COOKIE", "")
        if not (cookies.isascii() and cookies.isprintable()):
            kept = filter(_named_in_ascii, cookies.split(";"))
            request.META["HTTP_COOKIE"] = ";".join(kept)
        return get_response(request)

    return middleware


def _named_in_ascii(cookie: str) -> bool:
    name = cookie.partition("=")[0].strip(" \t")
    return name.isascii() and name.isprintable()


def response_headers(get_response: GetResponse) -> GetResponse:
    """Set the security headers that Django has no setting for, unless the view has set its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", content_security_policy(settings.SSO_ISSUER))
        return response

    return middleware


@lru_cache(maxsize=8)
def content_security_policy(sso_issuer: str) -> str:
    # Chromium holds the redirects of a form to this too: signing out leads to the provider.
    issuer = urlsplit(sso_issuer)
    forms_lead_to = f"'self' {issuer.scheme}://{issuer.netloc}" if sso_issuer else "'self'"
    return (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        f"base-uri 'none'; form-action {forms_lead_to}; object-src 'none'"
    )
