"""The recovery point: the newest usable backup before a time, and what stands against a restore."""

from __future__ import annotations

from .blocks import Block, not_now, restore_blocks
from .point import RecoveryPoint, examples, recovery_point, usable_reach
from .since import RecoverySince, recovery_since
from .strip import strip_marks

__all__ = [
    "Block",
    "RecoveryPoint",
    "RecoverySince",
    "examples",
    "not_now",
    "recovery_point",
    "recovery_since",
    "restore_blocks",
    "strip_marks",
    "usable_reach",
]
