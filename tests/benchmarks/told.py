"""What a portal's log says of a benchmark: how many lines of each level, and what should not be there."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

GRAVE = ("error", "critical")
LONGEST = 400


@dataclass
class Told:
    levels: Counter[str] = field(default_factory=Counter)
    grave: list[dict[str, str]] = field(default_factory=list)
    # Lines that are no JSON, such as a traceback.
    other: list[str] = field(default_factory=list)


def told_by(log: Path) -> Told:
    told = Told()
    with log.open(errors="replace") as lines:
        for line in lines:
            try:
                event = json.loads(line)
                level = event["level"]
            except (ValueError, KeyError, TypeError):
                told.other.append(line.rstrip()[:LONGEST])
                continue
            told.levels[level] += 1
            if level in GRAVE or "exception" in event:
                exception = event.get("exception", "").strip().rpartition("\n")[2]
                told.grave.append(
                    {
                        "level": level,
                        "logger": event["logger"],
                        "message": f"{event['message']} {exception}".strip()[:LONGEST],
                        "request_id": event.get("request_id", ""),
                    }
                )
    return told
