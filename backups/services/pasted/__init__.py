"""Times out of what people paste."""

from __future__ import annotations

from .asked_time import AskedTime, UnreadableTime, asked_time

__all__ = [
    "AskedTime",
    "UnreadableTime",
    "asked_time",
]
