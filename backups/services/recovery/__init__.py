"""The recovery point: the newest usable backup before a time, and what stands against a restore."""

from __future__ import annotations

from .blocks import Block, restore_blocks
from .page import examples, is_backing_up, recovery_page, usable_reach
from .point import Candidate, RecoveryPoint
from .values import at_most, block_sentence, minutes, zone_of

__all__ = [
    "Block",
    "Candidate",
    "RecoveryPoint",
    "at_most",
    "block_sentence",
    "examples",
    "is_backing_up",
    "minutes",
    "recovery_page",
    "restore_blocks",
    "usable_reach",
    "zone_of",
]
