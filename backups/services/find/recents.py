"""The instances that a viewer opened last, as one cookie of their browser keeps them.

It holds ids only, and whose they are: another viewer of the same browser sees none of them.
What may be seen, and what it is called, is decided anew at each use.
"""

from __future__ import annotations

import re

from django.conf import settings

from ..projects import CLOUD_ID

COOKIE = f"{settings.COOKIE_PREFIX}portal_recent"
COOKIE_SECONDS = 90 * 86_400
MOST = 8

_ONE = re.compile(rf"([A-Za-z0-9-]{{1,40}})/({CLOUD_ID.pattern})")


def opened_by(viewer: str, cookie: str) -> list[tuple[str, str]]:
    """Return project name and instance id of each, the last one first; nothing of another viewer's."""
    owner, *parts = cookie[:2000].split("~")
    if owner != viewer:
        return []
    found = [one.groups() for part in parts if (one := _ONE.fullmatch(part))]
    return [(project, instance) for project, instance in dict.fromkeys(found)][:MOST]


def with_opened(viewer: str, cookie: str, project: str, instance_id: str) -> str:
    """Return what to tell the browser after an instance was opened."""
    opened = opened_by(viewer, cookie)
    if opened[:1] == [(project, instance_id)]:
        return cookie
    latest = [(project, instance_id), *(one for one in opened if one != (project, instance_id))][:MOST]
    return "~".join([viewer, *(f"{project}/{instance}" for project, instance in latest)])
