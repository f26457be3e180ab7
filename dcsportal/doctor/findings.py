"""What the doctor found: how it is, and what to do where it is not well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """`says` is a sentence for an operator, `to_do` another where something is to be done.

    A note is worth reading and keeps nothing from working; what is wrong does.
    """

    subject: str
    level: Level
    says: str
    to_do: str = ""


def well(subject: str, says: str) -> Finding:
    return Finding(subject, "ok", says)


def note(subject: str, says: str, to_do: str = "") -> Finding:
    return Finding(subject, "note", says, to_do)


def wrong(subject: str, says: str, to_do: str) -> Finding:
    return Finding(subject, "wrong", says, to_do)


def sentence(error: object) -> str:
    """Return what an error says, as the end of a sentence of ours."""
    return f"{error}".strip().partition("\n")[0].rstrip(". ") or type(error).__name__


def cause(error: BaseException | None) -> str:
    """Return the system's or TLS's own word for what went wrong below, such as Connection refused."""
    word = ""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            word = getattr(error, "verify_message", "") or error.strerror
        error = error.__cause__ or error.__context__
    return f": {word}" if word else ""
