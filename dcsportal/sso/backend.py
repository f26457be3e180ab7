"""Loads the viewer of a session. Who may enter is decided by the sign-in views, not here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from .models import Viewer


class ViewerBackend(BaseBackend):
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        return None

    def get_user(self, user_id: int) -> Viewer | None:
        return Viewer.objects.filter(pk=user_id).first()
