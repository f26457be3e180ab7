"""granian, whose workers end at once when they are stopped while they are still starting.

A worker is forked with its parent's handler, which ignores a stop, and would be waited for until it
is killed. From the moment it serves it has granian's own.
"""

from __future__ import annotations

import os
import signal

from granian.cli import entrypoint


def _end_when_told() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    os.register_at_fork(after_in_child=_end_when_told)
    entrypoint()  # type: ignore[no-untyped-call]
