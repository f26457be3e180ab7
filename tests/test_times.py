"""A text that tells a time says until when it holds; until then it may be shown again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.templatetags.times import Clock, age, moment

zones = st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]).map(
    ZoneInfo
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
ages = st.one_of(
    st.floats(-100, 100), st.floats(0, 2 * 86_400), st.floats(0, 70 * 86_400), st.floats(0, 5e7)
).map(lambda seconds: timedelta(seconds=seconds))


@settings(max_examples=400, deadline=None)
@given(moments, ages, zones, st.sampled_from(["", "time", "long"]), st.booleans(), st.floats(0, 1))
def test_a_written_time_stays_true_until_it_says(
    now: datetime, since: timedelta, zone: ZoneInfo, style: str, short: bool, part: float
) -> None:
    clock = Clock(now, zone)
    value = now - since
    written = moment(clock, value, style), age(clock, value, short=short)

    assert now.timestamp() <= clock.until <= clock.midnight
    # Hundredths are cut off, so that no rounding of large numbers carries the time beyond its end.
    seconds = max(0.0, (clock.until - now.timestamp()) * part - 0.01)
    later = Clock(now + timedelta(seconds=seconds), zone)
    assert (moment(later, value, style), age(later, value, short=short)) == written


@pytest.mark.parametrize(
    ("since", "holds"),
    [
        (timedelta(seconds=38.25), 0.75),
        (timedelta(minutes=59, seconds=30), 30),
        (timedelta(hours=3, minutes=12), 60),
        (timedelta(days=2, hours=4, minutes=20), 2400),
        (timedelta(days=90, hours=1), 23 * 3600),
    ],
)
def test_an_age_holds_until_its_smallest_unit_moves_on(since: timedelta, holds: float) -> None:
    clock = Clock(datetime(2026, 11, 24, 0, 0, 0, tzinfo=UTC))

    age(clock, clock.now - since)

    assert clock.until - clock.seconds == pytest.approx(holds, abs=0.001)
