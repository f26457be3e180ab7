"""The board: every instance of a viewer's projects with its verdict, the worst first.

`recording.py` keeps what each reading says of an instance in a row, and when its verdict changes; `days.py`
its last days in short. So 10,000 instances are one query. What becomes true as time passes is kept as a
change that is to come: whoever asks sees what holds then, however long ago the row was written.
"""

from __future__ import annotations

from . import recording as recording  # hears of what is recorded
