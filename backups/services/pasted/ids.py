"""The ids of the cloud that stand in a text, whatever signs they were written with."""

from __future__ import annotations

import re

from .links import UUID, cloud_id
from .transport import plain

_ID_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9])(?:{UUID.pattern}|[0-9a-f]{{32}})(?![A-Za-z0-9]|-[A-Za-z0-9])", re.IGNORECASE
)


def ids_in(text: str) -> list[str]:
    """Return the ids of UUID shape in the text, each once, as DCS writes them."""
    return list(dict.fromkeys(cloud_id(found) for found in _ID_IN_TEXT.findall(plain(text))))
