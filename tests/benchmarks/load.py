"""Asks a server as fast as it answers, over a few kept connections, from a process of its own.

Takes orders as lines of JSON: where to ask (`port`, `path`, `status` that is expected), as whom in turn
(`headers` of each), over how many `connections`, for how many `seconds`; `first` is the number of the first
request, `tls` asks by https. With `every`, each connection asks once in so many seconds instead, what it
waited counts from when its turn had come, and each such look is told, with when it was.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from .http import Connection, template, unverified
from .processes import orders


class Load:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._requests = [template(order["port"], order["path"], headers) for headers in order["headers"]]
        self._numbers = count(order.get("first", 0))
        self._ready = threading.Barrier(order["connections"])
        self._lock = threading.Lock()
        self._samples: list[tuple[float, float]] = []
        self._bytes = 0
        self._wrong = ""

    def run(self) -> dict[str, Any]:
        threads = [
            threading.Thread(target=self._connection, args=(place,))
            for place in range(self._order["connections"])
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._wrong:
            return {"failed": self._wrong}
        waited = [seconds for _, seconds in self._samples]
        told = {
            "requests": len(waited),
            "seconds": time.perf_counter() - began,
            "bytes": self._bytes / len(waited),
            "p50": statistics.median(waited),
            "p99": percentile(waited, 0.99),
            "next": next(self._numbers),
        }
        if self._order.get("every"):
            told["samples"] = [{"at": at, "waited": seconds} for at, seconds in self._samples]
        return told

    def _connection(self, place: int) -> None:
        order, samples, size = self._order, [], 0
        connection = Connection(order["port"], tls=unverified() if order.get("tls") else None)
        self._ready.wait(30)
        began = time.perf_counter()
        ends, every = began + order["seconds"], order.get("every")
        turn = began + (place / order["connections"] * every if every else 0.0)
        while turn < ends and not self._wrong:
            if every and (early := turn - time.perf_counter()) > 0:
                time.sleep(early)
            number = next(self._numbers)
            answer = connection.ask(self._requests[number % len(self._requests)](number))
            now = time.perf_counter()
            if answer.status != order["status"]:
                self._wrong = f"{order['path']} was answered {answer.status}, not {order['status']}"
            samples.append((turn - began, now - turn))
            size += answer.size
            turn = turn + every if every else now
        connection.close()
        with self._lock:
            self._samples += samples
            self._bytes += size


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by this share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    for given, give in orders():
        give(Load(given).run())
