"""granian, whose workers end when they are told to, and when their server is gone.

Of itself a worker that is stopped while it is still starting ignores that: it is forked with its parent's
handler, and would be waited for until it is killed. And the workers of a server that was killed would
live on, with nobody to replace or stop them, and hold the port that the server needs to start again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from granian.cli import entrypoint

PR_SET_PDEATHSIG = 1


def _begin_worker() -> None:
    # From the moment it serves it has granian's own handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with(_server)


def _end_with(server: int) -> None:
    """Let this process be stopped, as by its server, once that is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != server:
            os._exit(1)


if __name__ == "__main__":
    _server = os.getpid()
    os.register_at_fork(after_in_child=_begin_worker)
    entrypoint()  # type: ignore[no-untyped-call]
elif __name__ == "__mp_main__":
    # Where Python starts workers anew in place of forking them, from 3.14 on.
    _end_with(os.getppid())
