"""A process that answers orders: python -m tests.benchmarks.child MODULE.

Each is a line of JSON with the name of a function of the module, `do`, and what it is called with.
"""

import importlib
import json
import os
import sys
from pathlib import Path


def memory_of(key):
    """Return this process's resident memory in bytes: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


if __name__ == "__main__":
    # The log goes to stdout too, as in production: answers have that for themselves.
    answers, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115
    if os.environ["DJANGO_SETTINGS_MODULE"]:
        import django

        django.setup()
    module = importlib.import_module(f"{__package__}.{sys.argv[1]}")
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(module, order.pop("do"))(**order)), file=answers, flush=True)
