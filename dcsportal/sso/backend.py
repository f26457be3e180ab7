"""Loads the viewer of a session, and says who the people of the demo are."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import Viewer

DEMO, PROXY = "demo", "proxy"


class ViewerBackend(BaseBackend):
    def get_user(self, user_id: int) -> Viewer | None:
        """Return the viewer; a session that began in the demo, or behind a proxy, ends with it."""
        viewer = Viewer.objects.filter(pk=user_id).first()
        doors = {DEMO: settings.DCS_DEMO, PROXY: settings.SSO_PROXY_USER_HEADER}
        return viewer if viewer and doors.get(viewer.issuer, True) else None


class DemoPerson(NamedTuple):
    key: str
    name: str
    groups: list[str]
    description: str | Promise

    def viewer(self) -> Viewer:
        email = f"{self.key}@demo.invalid"
        return Viewer(issuer=DEMO, subject=self.key, name=self.name, email=email, groups=self.groups)


PEOPLE = (
    DemoPerson("ada", "Ada Novak", ["dcs-all"], _("On call for every project")),
    DemoPerson("ben", "Ben Li", ["dcs-eu"], _("On call for one project")),
    DemoPerson("cleo", "Cleo Okafor", [], _("Not in any group yet, so sees no projects")),
)
