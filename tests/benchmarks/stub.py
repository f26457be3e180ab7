"""DCS as fast as Python can be: a history of any length, rendered once, no signature verified."""

import json
import socketserver
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from backups.emulator.fleet import BULK_HISTORY_ID, Fleet


class Stub(socketserver.ThreadingTCPServer):
    """Each instance `records-N…` has N records of the emulator's long history.

    An answer comes `latency` seconds late, and is an error while there is a `status`. `asked` counts
    the calls: (instance, "walks" at offset 0, else "pages", or "shows").
    """

    daemon_threads, block_on_close = True, False
    latency = 0.0
    status = 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.asked = Counter()
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, target):
        url = urlsplit(target)
        instance_id = "".join(url.path.split("/")[4:5])
        query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        self.asked[instance_id, "shows" if not query else "pages" if query["offset"] else "walks"] += 1
        time.sleep(self.latency)
        if self.status:
            return _message(self.status, b'{"error_code":"DCS.5000","error_msg":"Internal service error."}')
        return _rendered(instance_id, **query)


class _Connection(socketserver.StreamRequestHandler):
    server: Stub

    def handle(self):
        while line := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(self.server.answer(line.split()[1].decode()))


@contextmanager
def running():
    with Stub() as stub:
        threading.Thread(target=stub.serve_forever, daemon=True).start()
        yield stub
        stub.shutdown()


@lru_cache(maxsize=2000)
def _rendered(instance_id, limit=0, offset=0):
    if not instance_id:
        return _message(200, b'{"instance_num":0,"instances":[]}')
    own, bulk = instance_id.encode(), BULK_HISTORY_ID.encode()
    if not instance_id.startswith("records-"):
        return _message(404, b'{"error_code":"DCS.3022","error_msg":"The DCS instance does not exist."}')
    if not limit:
        details = json.dumps(Fleet().primary.instances[BULK_HISTORY_ID].details())
        return _message(200, details.encode().replace(bulk, own))
    return _message(200, page(rows(int(instance_id.split("-")[1])), limit, offset).replace(bulk, own))


def page(rows, limit, offset):
    shown = b",".join(rows[offset : offset + limit])
    return b'{"total_num":%d,"backup_record_response":[%s]}' % (len(rows), shown)


@lru_cache(maxsize=8)
def rows(count):
    return [row.text for row in Fleet(bulk_records=count).backups(BULK_HISTORY_ID)]


def _message(status, body):
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nX-Request-Id: stub\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
