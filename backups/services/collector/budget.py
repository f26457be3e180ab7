"""How often DCS may be asked at one endpoint with one key: a token bucket whose rate halves and recovers."""

from __future__ import annotations

RECOVERY_SECONDS = 600.0
# Calls that are under way together are throttled together, and count once.
ONE_THROTTLING_SECONDS = 2.0
LEAST_SHARE = 1 / 64


class Budget:
    """`most` is in calls a second; `now` is in seconds of whatever clock its caller goes by."""

    def __init__(self, most: float, now: float) -> None:
        self._most = most
        self._rate, self._halved_at = most, now - RECOVERY_SECONDS
        self._calls, self._counted_at = 1.0, now

    def rate(self, now: float) -> float:
        """Return how many calls a second may be made now."""
        recovered = self._most * max(0.0, now - self._halved_at) / RECOVERY_SECONDS
        return min(self._most, self._rate + recovered)

    def may_call(self, now: float) -> bool:
        rate = self.rate(now)
        # One more than a second's, so that whoever looks now and then loses none.
        self._calls = min(1.0 + rate, self._calls + rate * max(0.0, now - self._counted_at))
        self._counted_at = now
        return self._calls >= 1

    def spend(self, calls: int) -> None:
        """Count calls that were made; more than there were are paid for later."""
        self._calls -= calls

    def halve(self, now: float) -> None:
        """Slow down, since DCS asks for fewer calls."""
        if now - self._halved_at >= ONE_THROTTLING_SECONDS:
            self._rate = max(self.rate(now) / 2, self._most * LEAST_SHARE)
            self._halved_at, self._calls = now, min(0.0, self._calls)
