"""The people of the demo: one sees all projects, one sees one, one sees none."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ISSUER = "demo"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    key: str
    name: str
    groups: tuple[str, ...]
    description: str | Promise

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())

    @property
    def email(self) -> str:
        return f"{self.key}@demo.invalid"


PEOPLE = (
    DemoPerson("ada", "Ada Novak", ("dcs-all",), _("On call for every project")),
    DemoPerson("ben", "Ben Li", ("dcs-eu",), _("On call for one project")),
    DemoPerson("cleo", "Cleo Okafor", (), _("Has no group yet, so sees no project")),
)
