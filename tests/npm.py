"""What tests need of npm: installed once under var/, from a folder that pins it."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

VAR = Path(__file__).resolve().parent.parent / "var" / "tests"


def installed(source):
    """Return a folder that holds the files of `source` and what its package-lock.json names.

    Tests run side by side: whoever comes first installs, the others wait.
    """
    folder = VAR / source.name
    files = sorted(source.iterdir())
    wanted = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    stamp = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with (VAR / f"{source.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            for file in files:
                shutil.copy(file, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            stamp.write_text(wanted)
    return folder
