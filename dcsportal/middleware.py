"""Outermost of all: where a request came from, what every response carries, and the line that it leaves."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

from . import metrics
from .environment import Network
from .logging import NO_REQUEST, SHORTEST_SECRET, Current, current

logger = logging.getLogger("dcsportal.requests")

GetResponse = Callable[[HttpRequest], HttpResponse]

FEATURES = """accelerometer camera display-capture geolocation gyroscope magnetometer
    microphone midi payment publickey-credentials-get serial usb"""
# The security headers that Django has no setting for.
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES.split()),
    # Pages hold what one viewer may see; static files say `public` themselves.
    "Cache-Control": "private, no-store",
}
# What a load balancer and Prometheus ask each server for, by that machine's own address.
MACHINE_PATHS = ("/healthz", "/readyz", "/metrics", "/metrics/instances")
# An id of a trusted proxy that can harm no log and no page.
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
LONGEST_PATH = 300
METHODS = ("GET", "HEAD", "POST", "OPTIONS")  # what is counted by its name
# Asked for every few seconds, or with every page: only what goes wrong with them is worth a line.
QUIET = frozenset({"healthz", "readyz", "metrics", "metrics-instances", "static"})


def observed(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        _drop_planted_cookies(request)
        _take_address_of_portal(request)
        this = Current(id_of(request), _secrets_of(request))
        current.set(this)
        with metrics.IN_PROGRESS.track_inprogress():
            response = get_response(request)
        for name, value in (*HEADERS.items(), ("Content-Security-Policy", _content_security_policy())):
            response.headers.setdefault(name, value)
        response.headers["X-Request-ID"] = this.id
        _tell(request, response.status_code, time.perf_counter() - began)
        return response

    return middleware


def _forget(**kwargs: Any) -> None:
    """Let go of the request once its answer is sent: a body that streams is still a part of it."""
    current.set(NO_REQUEST)


request_finished.connect(_forget)


def _drop_planted_cookies(request: HttpRequest) -> None:
    """Drop the cookies that Django would know by another name than the browser does.

    Django takes every space of Unicode off a name. With one in front, any host of the domain could plant
    a `__Host-` cookie: to the browser it is none.
    """
    cookies = request.META.get("HTTP_COOKIE", "")
    if not _is_plain(cookies):
        kept = [one for one in cookies.split(";") if _is_plain(one.partition("=")[0].strip(" \t"))]
        request.META["HTTP_COOKIE"] = ";".join(kept)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _take_address_of_portal(request: HttpRequest) -> None:
    """Take https-ness from PORTAL_URL, whatever a proxy in between says or forgets to say."""
    portal = urlsplit(settings.PORTAL_URL)
    request.META["wsgi.url_scheme"] = portal.scheme
    if request.path in MACHINE_PATHS:
        first = settings.ALLOWED_HOSTS[0].lstrip(".")
        request.META["HTTP_HOST"] = portal.netloc if first == "*" else first


def _content_security_policy() -> str:
    # Chromium holds the redirects of a form to this too: signing out leads to the provider.
    issuer = urlsplit(settings.SSO_ISSUER)
    forms_lead_to = f"'self' {issuer.scheme}://{issuer.netloc}" if issuer.netloc else "'self'"
    return (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        f"base-uri 'none'; form-action {forms_lead_to}; object-src 'none'"
    )


def id_of(request: HttpRequest) -> str:
    """Return the id that a trusted proxy gave the request, or a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    trusted = given and is_in(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)
    return given if trusted and _SAFE_ID.fullmatch(given) else os.urandom(12).hex()


def _secrets_of(request: HttpRequest) -> tuple[str, ...]:
    """Return what the browser sent to say who it is."""
    sent = (request.COOKIES.get(settings.SESSION_COOKIE_NAME), request.META.get("HTTP_AUTHORIZATION"))
    return tuple(secret for secret in sent if secret and len(secret) >= SHORTEST_SECRET)


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    match, method, view = request.resolver_match, request.method, "none"
    if match and match.url_name:
        view = match.url_name
    elif request.path.startswith("/static/"):
        view = "static"
    metrics.REQUESTS.labels(view, method if method in METHODS else "other", status).inc()
    metrics.REQUEST_SECONDS.labels(view).observe(seconds)
    if view not in QUIET or status >= 400:
        # Without the query, which says what somebody looks for, and where a sign-in brings its code.
        event: dict[str, Any] = {"event": "request", "method": method, "path": request.path[:LONGEST_PATH]}
        event |= {"view": view, "status": status, "ms": round(seconds * 1000, 1)}
        logger.info("%s %s %d", method, view, status, extra={"event": event})


# Addresses --------------------------------------------------------------------


def client_address(request: HttpRequest) -> str:
    """Return the viewer's address: the rightmost of X-Forwarded-For that is no trusted proxy's.

    X-Forwarded-For counts only as far as TRUSTED_PROXIES wrote it; the rest anybody may have made up.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not is_in(address, settings.TRUSTED_PROXIES) or (ip := _parsed(hop)) is None:
            break
        address = str(ip)
    return address


def network_of(request: HttpRequest) -> str:
    """Return the viewer's address as it is counted: who has one address of IPv6 has all of its network."""
    address = _parsed(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_in(address: str, networks: Iterable[Network]) -> bool:
    ip = _parsed(address)
    return ip is not None and any(ip in network for network in networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    # A socket that listens on both families tells IPv4 addresses as ::ffff:10.0.0.1.
    return getattr(ip, "ipv4_mapped", None) or ip
