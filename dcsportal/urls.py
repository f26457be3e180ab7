"""The ways in: signing in and out, preferences, health. The portal's pages are in backups/urls.py."""

from __future__ import annotations

from django.urls import include, path

from .health import healthz, readyz
from .metrics import instance_metrics, metrics
from .preferences import preferences
from .sso import backchannel
from .sso import views as sso

handler404 = "backups.views.pages.not_found"
handler500 = "dcsportal.errors.server_error"

urlpatterns = [
    path("sign-in/", sso.sign_in, name="sign-in"),
    path("sso/start/", sso.start, name="sso-start"),
    path("sso/callback/", sso.callback, name="sso-callback"),
    path("sso/back-channel-logout/", backchannel.back_channel_logout, name="sso-back-channel-logout"),
    path("sign-out/", sso.sign_out, name="sign-out"),
    path("signed-out/", sso.signed_out, name="signed-out"),
    path("preferences/", preferences, name="preferences"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("metrics/instances", instance_metrics, name="metrics-instances"),
    path("", include("backups.urls")),
]
