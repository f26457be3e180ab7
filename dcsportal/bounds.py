"""Upper bounds on what a request may bring, before anything looks into it.

The server bounds the headers (backups/management/server.py); here it is the address, the number of
parameters, and the body. A body is read here too: it comes as slowly as its sender likes and holds a
thread meanwhile, so few may be under way at once, and fewer of one address.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.shortcuts import render

from . import metrics
from .addresses import is_in
from .middleware import GetResponse

LONGEST_PATH = 2048
# A link of 8 kB, escaped, inside the address of the sign-in.
LONGEST_QUERY = 32 * 1024
MOST_PARAMETERS = 100
BODIES_AT_ONCE = 8
BODIES_OF_ONE_ADDRESS = 3


def bounded(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        return _refusal_of_address(request) or _refusal_of_body(request) or get_response(request)

    return middleware


def _refusal_of_address(request: HttpRequest) -> HttpResponse | None:
    query = request.META.get("QUERY_STRING", "")
    if len(request.path) > LONGEST_PATH or len(query) > LONGEST_QUERY:
        return _refused(request, 414)
    return _refused(request, 400) if query.count("&") >= MOST_PARAMETERS else None


def _refusal_of_body(request: HttpRequest) -> HttpResponse | None:
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # No browser sends a form without saying how long it is.
        return _refused(request, 411)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length == "0":
        return None
    if not length.isdecimal() or int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return _refused(request, 413)
    if request.method in ("GET", "HEAD"):
        return None  # nothing reads it
    with _bodies.one_of(request) as admitted:
        if admitted:
            try:
                body = request.body  # kept for whoever asks
            except UnreadablePostError:
                return _refused(request, 400)
            fields = max(body.count(b"&"), body.count(b"\n--"))
            return _refused(request, 400) if fields >= MOST_PARAMETERS else None
    metrics.rate_limited("body")
    response = _refused(request, 503)
    response.headers["Retry-After"] = "1"
    return response


def _refused(request: HttpRequest, status: int) -> HttpResponse:
    # The page looks at the query, which is too much of it.
    request.META["QUERY_STRING"] = ""
    return render(request, "400.html", status=status)


class _Bodies:
    """The bodies that are being read, by the address that they come from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one_of(self, request: HttpRequest) -> Iterator[bool]:
        address = request.META.get("REMOTE_ADDR", "")
        admitted = self._admits(address)
        try:
            yield admitted
        finally:
            if admitted:
                with self._lock:
                    self._under_way[address] -= 1
                    if not self._under_way[address]:
                        del self._under_way[address]

    def _admits(self, address: str) -> bool:
        # A proxy of ours brings those of everybody.
        most = BODIES_AT_ONCE if is_in(address, settings.TRUSTED_PROXIES) else BODIES_OF_ONE_ADDRESS
        with self._lock:
            if self._under_way.total() >= BODIES_AT_ONCE or self._under_way[address] >= most:
                return False
            self._under_way[address] += 1
            return True


_bodies = _Bodies()
