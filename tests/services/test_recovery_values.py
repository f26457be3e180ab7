"""What a recovery point is said in: nothing that is lost is rounded away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from backups.services.recovery.values import at_most, minutes


@pytest.mark.parametrize(
    ("seconds", "text", "chinese"),
    [
        (1, "1 min", "1 分钟"),
        (61, "2 min", "2 分钟"),
        (3600, "1 h", "1 小时"),
        (86_401, "24 h 1 min", "24 小时 1 分钟"),
        (172_800, "2 d", "2 天"),
        (172_801, "2 d 1 h", "2 天 1 小时"),
    ],
)
def test_what_is_lost_is_rounded_up(seconds: int, text: str, chinese: str) -> None:
    assert at_most(timedelta(seconds=seconds)) == text
    with override("zh-hans"):
        assert at_most(timedelta(seconds=seconds)) == chinese


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=4000)))
def test_what_is_said_is_never_less_than_what_is_lost(lost: timedelta) -> None:
    parts = at_most(lost).split(" ")
    units = {"d": 86_400, "h": 3600, "min": 60}

    said = timedelta(seconds=sum(int(n) * units[u] for n, u in zip(parts[::2], parts[1::2], strict=True)))

    assert lost <= said < lost + timedelta(hours=1)


def test_minutes_are_counted_up() -> None:
    assert minutes(timedelta(seconds=1)) == "1 minute"
    assert minutes(timedelta(days=3, seconds=1)) == "4,321 minutes"
