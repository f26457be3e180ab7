"""A walk of a long list: the portal's client against the official SDK, each in a process of its own."""

import statistics
import time
from functools import cache

from . import stub
from .child import memory_of
from .report import Row
from .servers import Child

PROJECT = "0123456789abcdef0123456789abcdef"


def measure(effort):
    rows = []
    with stub.running() as upstream:
        for page_size in (1000, 100):
            order = {
                "endpoint": upstream.endpoint,
                "instance_id": f"records-{effort.records}",
                "page_size": page_size,
            }
            with Child("walks") as portal, Child("walks") as sdk:
                for latency in (0.0, 0.03):
                    upstream.latency = latency
                    turns = [
                        (
                            portal.ask("walked", client="portal", **order),
                            sdk.ask("walked", client="sdk", **order),
                        )
                        for _ in range(1 + effort.rounds)
                    ]
                    assert {told["records"] for turn in turns for told in turn} == {effort.records}
                    what = f"{page_size:,} a page, {latency * 1000:.0f} ms a call"
                    rows += _rows(what, turns[1:], least=3 if (page_size, latency) == (1000, 0) else 1)
    return rows


def _rows(what, turns, *, least):
    def ratio(key):
        ours, theirs = (statistics.median(one[key] for one in told) for told in zip(*turns, strict=True))
        return theirs / ours

    return [
        Row(f"walk, {what}: the SDK against the portal", ratio("wall"), least=least),
        Row(f"walk, {what}: the same, processor time", ratio("cpu")),
        Row(f"walk, {what}: the same, peak memory", ratio("peak")),
    ]


# One client, which walks when it is asked to ---------------------------------------


def walked(client, **of):
    read = {"portal": _portal, "sdk": _sdk}[client](**of)
    wall, cpu = time.perf_counter(), time.process_time()
    told = {"records": read(), "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return told | {"peak": memory_of("VmHWM")}


@cache
def _portal(endpoint, instance_id, page_size):
    """The portal's client, as backups/services/listings reads a history."""
    from backups.dcs.client import DcsClient
    from backups.dcs.signing import Credentials
    from backups.dcs.walk import walk

    client = DcsClient(endpoint=endpoint, project_id=PROJECT, credentials=Credentials("AKEXAMPLE", "SK"))

    def ask(offset, limit):
        return client.list_backup_records(instance_id, offset=offset, limit=limit)

    return lambda: len(walk(ask, page_size=page_size, max_records=20_000).records)


@cache
def _sdk(endpoint, instance_id, page_size):
    """The official SDK, a page after the other, as long as its total says that there is more."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdcs.v2 import DcsClient, ListBackupRecordsRequest

    credentials = BasicCredentials("AKEXAMPLE", "SK", PROJECT)
    client = DcsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()

    def read():
        found = {}
        while True:
            request = ListBackupRecordsRequest(instance_id=instance_id, limit=page_size, offset=len(found))
            answer = client.list_backup_records(request)
            found |= {record.backup_id: record for record in answer.backup_record_response}
            if not answer.backup_record_response or len(found) >= answer.total_num:
                return len(found)

    return read
