"""The clock of this machine against the Date header of another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from backups.dcs.http import BoundedAdapter

from .findings import Finding, note, well, wrong

TIMEOUT = 5.0
LONGEST_BODY = 1024 * 1024
# A header has whole seconds, and took its time to come.
SMALL = 30.0


def clock_findings(subject: str, address: str, *, wrong_from: float) -> Iterator[Finding]:
    """Compare clocks; nothing is said where the other side cannot be reached, or tells no time."""
    off = seconds_ahead(address)
    if off is None:
        return
    direction = "ahead of" if off > 0 else "behind"
    says = f"The clock of this machine is {abs(off):.0f} s {direction} that of {address}"
    if abs(off) >= wrong_from:
        yield wrong(
            subject,
            f"{says}; from {wrong_from:.0f} s on nothing is accepted there.",
            "Set the clock, and keep it right by NTP (timedatectl set-ntp true).",
        )
    elif abs(off) >= SMALL:
        yield note(subject, f"{says}.", "Keep the clock right by NTP (timedatectl set-ntp true).")
    else:
        yield well(subject, f"The clocks of this machine and of {address} agree.")


def seconds_ahead(address: str) -> float | None:
    """Return by how much this machine's clock is ahead; the request has no key, so it can lock none."""
    try:
        with requests.Session() as session:
            session.auth = lambda request: request  # no .netrc
            adapter = BoundedAdapter(seconds=TIMEOUT, most_bytes=LONGEST_BODY)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            began = datetime.now(UTC)
            response = session.get(address, allow_redirects=False)
            ended = datetime.now(UTC)
        told = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError, TypeError):
        return None
    told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
    return (began + (ended - began) / 2 - told).total_seconds()
