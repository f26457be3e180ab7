"""Keeps what was read: a reading of a list becomes the list's current generation, and rows of evidence.

A reading is shown to the viewers of its process first, and written behind them. What has not changed costs
one narrow update. Only a whole reading proves that a record is gone; that over half of a list is gone, only
a second one a minute later.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...dcs.walk import Walk
from ...models import Instance, Reading
from ..problems import Problem
from . import generations, rows, store
from .generations import Pointer
from .recorded_backups import BackupsRecording
from .recorded_instances import InstancesRecording, RestoresRecording
from .recording import Recorded, Recording, tell
from .subjects import Subject


def accept(
    subject: Subject,
    walk: Walk[Any],
    *,
    read_at: datetime,
    pointer: Pointer | None = None,
    is_wanted: bool = True,
) -> Recording:
    """Make a reading the current generation in this process; `write` then tells all others.

    `pointer` is the list's note where it was just looked at; `is_wanted`: somebody wants to see the list.
    """
    kinds = {"backups": BackupsRecording, "restores": RestoresRecording}
    kind = kinds.get(subject.kind, InstancesRecording)
    recording = kind(subject, walk, read_at, pointer or generations.current(subject))
    if not recording.is_late:
        generations.publish(subject, recording.new, is_wanted=is_wanted)
    return recording


def failed(subject: Subject, problem: Problem, *, at: datetime) -> None:
    """Keep that an instance's list could not be read; DCS may say that the instance does not exist."""
    store.asked(lambda: _failed(subject, problem, at), None)


def _failed(subject: Subject, problem: Problem, at: datetime) -> None:
    if subject.kind == "instances":
        return
    instance = rows.instances_of(subject).first()
    if instance is None:
        return
    if problem.kind == "not_found" and instance.gone_why != "unknown":
        since = instance.gone_since or at
        Instance.objects.filter(pk=instance.pk).update(gone_since=since, gone_why="unknown")
        _let_it_come_back(subject)
    tell(Recorded(subject, at, instance.pk, problem=problem))
    if subject.kind != "backups":
        return
    last = Reading.objects.filter(instance=instance).order_by("-pk").first()
    known = generations.look_up(subject).generation
    # Equal readings since make no row of their own.
    was_read_since = last is not None and known is not None and known.read_at > last.last_at
    if last and last.problem == problem.kind and not was_read_since:
        Reading.objects.filter(pk=last.pk).update(last_at=at)
    else:
        Reading.objects.create(
            instance=instance, first_at=at, last_at=at, is_whole=False, problem=problem.kind[:40]
        )


def _let_it_come_back(subject: Subject) -> None:
    """Let the next readings that hold an instance be written, though they say the same as before."""
    for kind in ("instance", "instances"):
        other = Subject(kind, subject.project, subject.instance_id if kind == "instance" else "")
        pointer = generations.look_up(other)
        if pointer.generation:
            text = store.encoded(replace(pointer.generation, digest=secrets.token_hex(8)))
            store.replace(generations.pointer_key(other), pointer.text, text)
