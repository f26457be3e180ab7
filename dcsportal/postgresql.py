"""A connection to PostgreSQL that does not wait for ever.

A server that is frozen keeps its connections open and says nothing: no timeout of the network ends that.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

RV = TypeVar("RV")


class Connection(psycopg.Connection[Any]):
    """Gives up what is not answered within `answer_seconds`, and itself with it."""

    # None waits as long as it takes, as a migration may; wsgi.py bounds what viewers wait for.
    answer_seconds: ClassVar[float | None] = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        limit = self.answer_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if limit is None or self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            # An answer that comes later would be taken for that of the next query.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"PostgreSQL has not answered for {limit:g} s") from None
