"""The board: every instance of a viewer's projects with its verdict, the worst first.

`recording.py` keeps what each reading says of an instance in a row, and when its verdict changes; `days.py`
its last days in short. So 10,000 instances are one query. What becomes true as time passes is kept as a
change that is to come: whoever asks sees what holds then, however long ago the row was written.
"""

from __future__ import annotations

from . import recording  # hears of what is recorded
from .board import Board, Head, board
from .export import BoardFile, changes_file, failures_file, instances_file, refused_board
from .filters import DEFAULT_PER_PAGE, FILTERS, SORTS, VERDICT_OF, WORST_FIRST, BoardFilter
from .links import frozen_board_link
from .reports import Changes, Failures, ReportFilter, changes, failures
from .rows import BoardRow
from .tickets import board_ticket, changes_ticket, failures_ticket
from .told import instances_told, reasons_told
