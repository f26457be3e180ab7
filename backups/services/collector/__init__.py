"""The collector: reads all lists before anybody asks, gently, one process of all servers at a time.

When a list is due is a column of `InstanceSummary`, which `due.py` writes with every reading, whoever made
it, and asks for what is next; `key.py` says how fast DCS may be asked for that, and `loop.py` does so while
this process holds the lease. Viewers come first: their readings have places of their own, and they try a
circuit that is open.
"""

from __future__ import annotations

from .due import write_summaries
from .key import begin_metrics
from .loop import collect, collecting, evidence_age, reads_by_itself, start, stop
