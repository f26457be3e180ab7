"""The lists that DCS can be asked for, and how each is read whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal

from django.conf import settings

from ...dcs.client import DcsClient
from ...dcs.pages import Page
from ...dcs.walk import Walk, walk
from ...models import CloudProject
from ..projects import Project

WALK_SECONDS = 120.0
# What the keys of the notes begin with that say which generation of a list is current.
CURRENT = "current:"
# DCS filters by an undocumented timestamp: exact bounds are applied here, with this much to spare there.
WINDOW_MARGIN = timedelta(hours=48)

Window = tuple[datetime | None, datetime | None]
Kind = Literal["backups", "instances", "instance", "restores"]


@dataclass(frozen=True)
class Subject:
    """One list that DCS can be asked for, and under which keys the store has what is known of it."""

    kind: Kind
    project: Project
    instance_id: str = ""
    window: Window | None = None

    @cached_property
    def key(self) -> str:
        return key_of(self.kind, self.project, self.instance_id, self.window)

    @property
    def pointer_key(self) -> str:
        return f"{CURRENT}{self.key}"

    @property
    def failure_key(self) -> str:
        return f"failure:{self.key}"

    @property
    def progress_key(self) -> str:
        return f"progress:{self.key}"

    @property
    def hold_key(self) -> str:
        """Names endpoint, project and access key, so that a new key is not held."""
        project = self.project
        return "hold:" + _hashed(project.endpoint, project.project_id, *project.credentials.secrets)

    @property
    def circuit_key(self) -> str:
        return "circuit:" + _hashed(self.project.endpoint)

    @property
    def note_keys(self) -> tuple[str, ...]:
        return self.pointer_key, self.failure_key, self.progress_key, self.hold_key, self.circuit_key

    def read(
        self,
        client: DcsClient,
        *,
        on_page: Callable[[Page[Any]], None] = lambda page: None,
        once: bool = False,
    ) -> Walk[Any]:
        """Read the whole list; each call has its budget, the walk a longer one. Raises DcsError.

        With `once` the first call for a history is not tried again: DCS may not know its instance.
        """
        ends, one = time.monotonic() + WALK_SECONDS, self.instance_id

        def deadline() -> float:
            # A little less than viewers wait, so that they are told the reason.
            return min(ends, time.monotonic() + settings.DCS_READ_BUDGET * 0.9)

        def ask(offset: int, limit: int) -> Page[Any]:
            paging: dict[str, Any] = {"offset": offset, "limit": limit, "deadline": deadline()}
            if self.kind == "instances":
                return client.list_instances(**paging)
            if self.kind == "restores":
                return client.list_restore_records(one, **paging)
            begin, end = self.window or (None, None)
            retry = offset > 0 or not once
            return client.list_backup_records(one, begin_time=begin, end_time=end, retry=retry, **paging)

        if self.kind == "instance":
            page = client.show_instance(one, deadline=deadline())
            return Walk((page,), page.records, None, False, False)
        return walk(
            ask, page_size=settings.DCS_PAGE_SIZE, max_records=settings.DCS_MAX_RECORDS, on_page=on_page
        )


def key_of(
    kind: Kind, project: Project | CloudProject, instance_id: str = "", window: Window | None = None
) -> str:
    return _hashed(kind, project.endpoint, project.project_id, instance_id, str(window))


@lru_cache(maxsize=512)
def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def window_of(bounds: Window) -> Window:
    """Return the bounds to send upstream: with room to spare, in whole UTC days that viewers share."""
    begin, end = bounds
    return (
        _midnight_before(begin - WINDOW_MARGIN) if begin else None,
        _midnight_before(end + WINDOW_MARGIN) + timedelta(days=1) if end else None,
    )


def _midnight_before(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
