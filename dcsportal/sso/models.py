"""A signed-in person, as the company's sign-in describes them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Viewer(AbstractBaseUser):
    """Known by issuer and subject; name, e-mail and groups are taken anew at every sign-in."""

    password = None  # type: ignore[assignment]  # the portal knows no passwords

    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=254, blank=True)
    groups: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)

    # Django wants one unique name per user: nobody ever types it.
    USERNAME_FIELD = "id"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = BaseUserManager["Viewer"]()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_viewer_per_issuer_and_subject")
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.subject
