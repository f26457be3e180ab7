"""What the portal puts into Redis can never run as code."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcsportal.cache_serializer import BytesAndText


@given(st.one_of(st.binary(), st.text(st.characters(codec="utf-8")), st.integers()))
def test_bytes_text_and_counters_come_back_as_they_were(value: bytes | str | int) -> None:
    serializer = BytesAndText()
    stored = serializer.dumps(value)
    assert serializer.loads(str(stored).encode() if isinstance(stored, int) else stored) == value


@pytest.mark.parametrize("value", [None, True, 1.5, ["a"], {"a": 1}, object()])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        BytesAndText().dumps(value)


def test_a_pickle_that_stands_in_redis_is_not_loaded() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        BytesAndText().loads(pickle.dumps({"a": 1}))
