from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from .admin import site


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("healthz", healthz), *(path(f"admin{rows}/", site(rows).urls) for rows in (50, 100))]
