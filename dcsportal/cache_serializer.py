"""What the portal puts into Redis: bytes and text, never pickled objects, which would run as code."""

from __future__ import annotations

_TEXT, _BYTES = b"t", b"b"


class BytesAndText:
    """Serializer of Django's RedisCache. Anything else than bytes, text and counters is a mistake of ours."""

    def dumps(self, value: object) -> bytes | int:
        if isinstance(value, bytes):
            return _BYTES + value
        if isinstance(value, str):
            return _TEXT + value.encode()
        if type(value) is int:
            return value  # Redis itself counts these
        raise TypeError(f"only bytes, text and whole numbers are cached, not {type(value).__name__}")

    def loads(self, data: bytes) -> bytes | str | int:
        """Return the value; a ValueError for what another program wrote."""
        kind, rest = data[:1], data[1:]
        if kind == _BYTES:
            return rest
        return rest.decode() if kind == _TEXT else int(data)
