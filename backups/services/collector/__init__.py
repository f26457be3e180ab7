"""The collector: reads all lists before anybody asks, gently, one process of all servers at a time.

When a list is due is a column of `InstanceSummary`, which `due.py` computes and `summaries.py` writes with
every reading, whoever made it. `work.py` asks these rows what is next, `key.py` how fast DCS may be asked for
that (`budget.py`), and `loop.py` does so while this process holds the lease; `state.py` tells whether that
keeps up. Viewers come first: their readings have places of their own, and they try a circuit that is open.
"""

from __future__ import annotations

from .loop import collect, start, stop
from .metrics import begin as begin_metrics
from .state import EvidenceAge, collecting, evidence_age, reads_by_itself
