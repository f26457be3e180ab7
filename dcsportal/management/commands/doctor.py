"""`./run manage doctor`: looks at the whole installation, and says what is wrong and what to do."""

from __future__ import annotations

import logging
import sys
import textwrap
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from dcsportal.doctor import Finding, findings

WRAPPER = textwrap.TextWrapper(96, subsequent_indent=" " * 7, break_long_words=False, break_on_hyphens=False)


class Command(BaseCommand):
    help = (
        "Examine settings, database, cache, sign-in, clocks, and the key of each project, by a few cheap "
        "calls. The exit status is 1 where something is wrong."
    )
    requires_system_checks = ()  # their findings are among ours

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wrong-only", action="store_true", help="leave out what is well")

    def handle(self, *args: Any, wrong_only: bool, **options: Any) -> None:
        # What is wrong is told below; the log of a server would say it twice.
        logging.disable(logging.CRITICAL)
        try:
            levels = [self._tell(subject, finding, wrong_only) for subject, finding in findings()]
        finally:
            logging.disable(logging.NOTSET)
        wrong, notes = levels.count("wrong"), levels.count("note")
        self.stdout.write(f"\n{_counted(wrong, 'thing')} wrong, {_counted(notes, 'note')}.")
        if wrong:
            sys.exit(1)

    def _tell(self, subject: str, finding: Finding, wrong_only: bool) -> str:
        if finding.level != "ok" or not wrong_only:
            style, mark = {
                "ok": (self.style.SUCCESS, "ok   "),
                "note": (self.style.WARNING, "note "),
                "wrong": (self.style.ERROR, "WRONG"),
            }[finding.level]
            self.stdout.write(f"{style(mark)}  {WRAPPER.fill(f'{subject}: {finding.says}')}")
            if finding.to_do:
                self.stdout.write(f"       {WRAPPER.fill(f'-> {finding.to_do}')}")
        return finding.level


def _counted(count: int, what: str) -> str:
    return f"{count or 'No'} {what}{'' if count == 1 else 's'}"
