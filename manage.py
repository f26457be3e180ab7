#!/usr/bin/env python
"""Django's commands for this portal; `./run manage …` calls it with the right Python."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcsportal.settings")
    if sys.argv[1:2] == ["demo"]:
        from dcsportal.demo_environment import use_demo_environment

        use_demo_environment()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
