"""The demo's own settings: it needs none, and takes none from a real installation beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = _ROOT / "var" / "demo"


def use_demo_environment() -> None:
    """Replace every setting in `os.environ`, before Django reads them."""
    for name in re.findall(r"^([A-Z_]+)=", (_ROOT / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)
    os.environ.update(
        {
            "ENV_FILE": "",
            "DEBUG": "off",
            "DCS_DEMO": "on",
            "PORTAL_URL": "http://127.0.0.1:8000",
            "DATABASE_URL": f"sqlite:///{_FOLDER / 'portal.sqlite3'}",
            "LOG_FORMAT": "text",
            # Gently: whoever tries something in it is not to wait for the emulator.
            "COLLECT_CALLS_PER_SECOND": "2",
        }
    )
    # The emulator is on this machine, whatever stands between it and the world.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))
    _FOLDER.mkdir(parents=True, exist_ok=True)
