"""A quiet time, something that breaks and lasts, and the time until all is well again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .effort import Effort
from .load import percentile
from .processes import Failed
from .steady import Look, Viewers

# Seconds after which nobody waits any longer for all to be well.
MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """`quiet` is what viewers got before, `looks` from the harm until all was well.

    `kills`: what was killed cannot end what it was answering.
    """

    name: str
    quiet: list[Look]
    looks: list[Look]
    lasted: float
    well_after: float
    kills: bool = False
    note: str = ""

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(look.outcome for look in self.looks)

    @property
    def slowest(self) -> float:
        return max(look.seconds for look in self.looks)

    @property
    def wrong(self) -> list[Look]:
        return [look for look in [*self.quiet, *self.looks] if look.wrong]


def settle(viewers: Viewers) -> None:
    """Wait until no process meets a page for the first time any more."""
    if viewers.wait_until_well(time.monotonic(), within=MOST_SECONDS) >= MOST_SECONDS:
        wrong = [look for look in viewers.looks if not look.well]
        raise Failed(f"not every page comes: {wrong[-1] if wrong else 'nothing does'}")


def play(
    name: str,
    harm: Callable[[], object],
    mend: Callable[[], object],
    viewers: Viewers,
    effort: Effort,
    *,
    kills: bool = False,
    meanwhile: Callable[[float], object] = time.sleep,
) -> Seen:
    """Let viewers see it; `meanwhile` is what to do for so many seconds while it lasts."""
    quiet = time.monotonic()
    viewers.wait_for_rounds(effort.quiet_rounds)
    harmed = time.monotonic()
    harm()
    meanwhile(effort.breakage_seconds)
    mend()
    mended = time.monotonic()
    well_after = viewers.wait_until_well(mended, within=MOST_SECONDS)
    looks = viewers.looks
    return Seen(
        name,
        quiet=[look for look in looks if look.began >= quiet and look.ended < harmed],
        looks=[look for look in looks if look.ended >= harmed and look.began <= mended + well_after],
        lasted=mended - harmed,
        well_after=well_after,
        kills=kills,
    )


def p95(looks: list[Look]) -> float:
    return percentile([look.seconds for look in looks], 0.95)
