"""The recovery point: the newest usable backup before a time."""

from __future__ import annotations

from .point import RecoveryPoint, examples, recovery_point, usable_reach
from .since import RecoverySince, recovery_since
from .strip import strip_of
