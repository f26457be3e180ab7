"""The board: every instance of a viewer's projects with its verdict, the worst first.

`recording.py` keeps what each reading says of an instance in a row (`verdicts.py`), and when its verdict
changes. So 10,000 instances are one query. What becomes true as time passes is kept as a change that is to
come: whoever asks sees what holds then (`known.py`), however long ago the row was written.
"""

from __future__ import annotations

from . import recording  # hears of what is recorded
from .board import Board, Head, board
from .export import (
    BoardFile,
    board_ticket,
    frozen_board_link,
    instances_file,
    report_file,
    report_ticket,
)
from .filters import DEFAULT_PER_PAGE, FILTERS, SORTS, VERDICT_OF, WORST_FIRST, BoardFilter
from .known import count_reasons, measured_instances
from .reports import Report, ReportFilter, changes, failures
