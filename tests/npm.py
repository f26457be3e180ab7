"""What tests need of npm: installed once under var/, from a folder that pins it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

VAR = Path(__file__).resolve().parent.parent / "var" / "tests"


def installed(source: Path) -> Path:
    """Return a folder that holds the files of `source` and, installed, what its package-lock.json names."""
    folder = VAR / source.name
    wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copy(file, folder)
    if not stamp.exists() or stamp.read_text() != wanted:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        stamp.write_text(wanted)
    return folder
