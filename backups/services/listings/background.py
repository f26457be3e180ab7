"""Work behind a view goes on in the name of the request that began it: its log lines carry that id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any


def background_thread(work: Callable[..., object], *args: Any, name: str) -> threading.Thread:
    """Return a daemon thread, not yet started, that works with a copy of the caller's context."""
    return threading.Thread(target=copy_context().run, args=(work, *args), name=name, daemon=True)
