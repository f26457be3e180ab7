"""The signing key of a demo or a development checkout: made once, kept under var/."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def local_secret_key(path: Path) -> str:
    """Return the key in `path`, which is made where it is missing.

    Several processes may start at once: the key is written aside and then linked to
    its place, so that the first one wins and nobody reads a half-written file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text().strip()
