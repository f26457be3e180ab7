"""One client of DCS in a process of its own, which walks when it is told to and says what that cost.

python -m tests.benchmarks.walker portal|sdk|sdk-threads ENDPOINT INSTANCE PAGE_SIZE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from .processes import memory_of, orders
from .stub import PROJECT

THREADS = 8
MAX_RECORDS = 20_000


def portal(endpoint: str, instance_id: str, page_size: int) -> Callable[[], int]:
    """The portal's client, as backups/services/subjects.py lets it read a history."""
    from backups.dcs.client import DcsClient
    from backups.dcs.errors import DcsError
    from backups.dcs.pages import Page
    from backups.dcs.records import BackupRecord
    from backups.dcs.signing import Credentials
    from backups.dcs.walk import walk_ahead

    credentials = Credentials("AKEXAMPLE", "SKEXAMPLE")
    client = DcsClient(endpoint=endpoint, project_id=PROJECT, credentials=credentials)

    def ask(
        offset: int, limit: int, *, retry: bool = True, failed: DcsError | None = None
    ) -> Page[BackupRecord]:
        ends = time.monotonic() + 9
        return client.list_backup_records(
            instance_id, offset=offset, limit=limit, deadline=ends, retry=retry, failed=failed
        )

    def read() -> int:
        free = client.free_to_read_ahead
        found = walk_ahead(ask, page_size=page_size, max_records=MAX_RECORDS, free=free)
        return len(found.records)

    return read


def sdk(endpoint: str, instance_id: str, page_size: int) -> Callable[[], int]:
    """The official SDK, a page after the other, as long as its total says that there is more."""
    ask = _sdk_call(endpoint, instance_id, page_size)

    def read() -> int:
        found = {}
        while True:
            answer = ask(len(found))
            found |= {record.backup_id: record for record in answer.backup_record_response}
            if not answer.backup_record_response or len(found) >= answer.total_num:
                return len(found)

    return read


def sdk_threads(endpoint: str, instance_id: str, page_size: int) -> Callable[[], int]:
    """The official SDK with eight threads: the first page tells the total, then the others side by side."""
    from concurrent.futures import ThreadPoolExecutor

    ask = _sdk_call(endpoint, instance_id, page_size)

    def read() -> int:
        first = ask(0)
        with ThreadPoolExecutor(THREADS) as pool:
            others = pool.map(ask, range(page_size, first.total_num, page_size))
            return len({r.backup_id: r for page in (first, *others) for r in page.backup_record_response})

    return read


def _sdk_call(endpoint: str, instance_id: str, page_size: int) -> Callable[[int], object]:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdcs.v2 import DcsClient, ListBackupRecordsRequest

    credentials = BasicCredentials("AKEXAMPLE", "SKEXAMPLE", PROJECT)
    client = DcsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()

    def ask(offset: int) -> object:
        request = ListBackupRecordsRequest(instance_id=instance_id, limit=page_size, offset=offset)
        return client.list_backup_records(request)

    return ask


CLIENTS = {"portal": portal, "sdk": sdk, "sdk-threads": sdk_threads}


def main() -> None:
    name, endpoint, instance_id, page_size = sys.argv[1:]
    read = CLIENTS[name](endpoint, instance_id, int(page_size))
    before = memory_of()["peak"]
    for _, answer in orders():
        wall, cpu = time.perf_counter(), time.process_time()
        records = read()
        answer(
            {
                "records": records,
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "memory_before": before,
                "memory_peak": memory_of()["peak"],
            }
        )


if __name__ == "__main__":
    main()
