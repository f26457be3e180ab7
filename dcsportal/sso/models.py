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

    def get_session_auth_hash(self) -> str:
        """Never change, unlike Django's own, which depends on SECRET_KEY.

        With a new one each session would get a new id, under which the provider's logout no longer finds it.
        """
        return f"viewer {self.pk}"


class RestingLink(models.Model):
    """A link too long for the state: it waits here for ten minutes, under the id of its sign-in."""

    id = models.CharField(max_length=43, primary_key=True)
    link = models.TextField()
    # Servers of the version before, which run on while this one is installed, know no address.
    address = models.CharField(max_length=64, db_default="")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["address", "expires_at"], name="resting_links_of_an_address")
        ]


class ProviderSession(models.Model):
    """The provider's session behind a session of the portal: either side can end the other's."""

    session_key = models.CharField(max_length=40, primary_key=True)
    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE)
    sid = models.CharField(max_length=255, blank=True, db_index=True)
    id_token = models.TextField(blank=True)
    expires_at = models.DateTimeField(db_index=True)


class UsedLogoutToken(models.Model):
    """A logout token that was carried out: it is not taken twice."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)
