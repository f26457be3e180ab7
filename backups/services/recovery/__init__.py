"""The recovery point: the newest usable backup before a time."""

from __future__ import annotations

from .point import RecoveryPoint, RecoverySince, examples, recovery_point, recovery_since, usable_reach
from .strip import strip_of
