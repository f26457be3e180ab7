from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.html import format_html_join

LINE = '<tr><td class="name">backup_{}</td><td>Succeeded</td><td>{} bytes</td></tr>\n'
PAGE = ("<!doctype html>\n<table>\n" + format_html_join("", LINE, ((n, n * n) for n in range(400))))[:20_000]
PAGE_BYTES = PAGE.encode()


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE_BYTES)


# The portal's own addresses stay, since its sign-in must find them.
urlpatterns = [path("bare/", page), path("behind/", page), path("", include("dcsportal.urls"))]
