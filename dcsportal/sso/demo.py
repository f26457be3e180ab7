"""The people of the demo: one sees all projects, one sees one, one sees none."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import Viewer

ISSUER = "demo"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    key: str
    name: str
    groups: tuple[str, ...]
    description: str | Promise

    def viewer(self) -> Viewer:
        email = f"{self.key}@demo.invalid"
        return Viewer(issuer=ISSUER, subject=self.key, name=self.name, email=email, groups=list(self.groups))


PEOPLE = (
    DemoPerson("ada", "Ada Novak", ("dcs-all",), _("On call for every project")),
    DemoPerson("ben", "Ben Li", ("dcs-eu",), _("On call for one project")),
    DemoPerson("cleo", "Cleo Okafor", (), _("Not in any group yet, so sees no projects")),
)
