"""The emulator on a real socket, and its control: faults over HTTP, without a signature, JSON only.

| request | does |
|---|---|
| GET /_emulator/ | projects, faults in force, number of calls |
| POST /_emulator/faults `{"fault": "fail_with", "status": 503, "times": 2}` | any method of `Faults` by name, with its arguments |
| DELETE /_emulator/faults | heals |
| GET /_emulator/calls`?path_contains=` | the log of calls |
| DELETE /_emulator/calls | clears it |
| PUT /_emulator/records/<instance_id> `[{…}, …]` | the instance has exactly these records |
| POST /_emulator/records/<instance_id> `{…}` | adds one |
| PATCH /_emulator/records/<instance_id>/<backup_id> `{"status": "expired", …}` | gives one other values |
| DELETE /_emulator/records/<instance_id>/<backup_id> | takes one away |
| DELETE /_emulator/instances/<instance_id> | deletes an instance with its backups |
| DELETE /_emulator/listed-instances/<instance_id> | leaves an instance out of its project's list |
| DELETE /_emulator/ | all of the above undone, keys unlocked |

`answer_body` takes its body as text. Writing needs `Content-Type: application/json`,
which no web page of another origin can send without being allowed to.
"""  # noqa: E501

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import waitress
from waitress import wasyncore

from .api import Emulator
from .faults import Fault, Faults
from .http import Answer, Request, json_bytes
from .records import Json

THREADS = 64  # hanging requests hold a thread each
PREFIX = "/_emulator/"
# All that Faults offers, but for what is no fault or takes a function.
FAULTS = sorted({name for name in vars(Faults) if name[0] != "_"} - {"faults", "heal", "after_calls"})


@contextlib.contextmanager
def running(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the emulator and its control in the background, and yield the address, `http://127.0.0.1:PORT`.

    Leaving the block closes the socket at once, whatever still hangs.
    """
    sockets: dict[int, Any] = {}
    app = partial(_respond, emulator)
    server = waitress.create_server(app, map=sockets, host=host, port=port, threads=THREADS)
    stopping = threading.Event()

    def serve() -> None:  # a loop of our own, since waitress's ends by an exception only
        while not stopping.is_set():
            wasyncore.loop(timeout=1.0, map=sockets, count=1)
        for channel in list(sockets.values()):
            channel.close()

    thread = threading.Thread(target=serve, name="dcs-emulator", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"
    finally:
        stopping.set()
        emulator.heal()
        with contextlib.suppress(OSError):  # the loop has seen it already
            server.pull_trigger()
        server.task_dispatcher.shutdown(timeout=1)
        thread.join()


def _respond(emulator: Emulator, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer what is below `/_emulator/`, and leave the rest to the emulator."""
    if not environ["REQUEST_URI"].startswith(PREFIX):
        return emulator(environ, start_response)
    status, value = _controlled(emulator, Request.read(environ))
    return Answer(status, b"" if value is None else json_bytes(value)).send(start_response)


def _controlled(emulator: Emulator, request: Request) -> tuple[int, object]:
    is_json = request.headers.get("content-type", "").startswith("application/json")
    if request.method not in ("GET", "DELETE") and not is_json:
        return 415, {"error": "Send Content-Type: application/json."}
    part = dict(request.parameters).get("path_contains", "")
    controls: dict[tuple[str, str], Callable[..., object]] = {
        ("GET", ""): lambda: _overview(emulator),
        ("POST", "faults"): lambda value: _add_fault(emulator, value),
        ("DELETE", "faults"): emulator.heal,
        ("GET", "calls"): lambda: [asdict(call) for call in emulator.calls if part in call.path],
        ("DELETE", "calls"): emulator.clear_calls,
        ("PUT", "records"): emulator.set_records,
        ("POST", "records"): emulator.insert_record,
        ("PATCH", "records"): lambda list_id, id_, value: emulator.change_record(list_id, id_, **value),
        ("DELETE", "records"): emulator.remove_record,
        ("DELETE", "instances"): emulator.remove_instance,
        ("DELETE", "listed-instances"): emulator.hide_instance,
        ("DELETE", ""): emulator.reset,
    }
    room, *rest = request.path.removeprefix(PREFIX).split("/")
    control = controls.get((request.method, room))
    if control is None:
        return 404, {"error": "No such control."}
    try:
        value = control(*rest, *([json.loads(request.body)] if request.body else []))
    except (ValueError, TypeError, LookupError, AttributeError) as problem:
        return 400, {"error": f"{type(problem).__name__}: {problem}"}
    return (204, None) if value is None else (201 if request.method == "POST" else 200, value)


def _overview(emulator: Emulator) -> Json:
    named = [(one.name, one.region, one.project_id) for one in emulator.fleet.projects]
    return {
        "projects": [dict(zip(("name", "region", "project_id"), one, strict=True)) for one in named],
        "faults": [fault.summary() for fault in emulator.faults],
        "calls": len(emulator.calls),
    }


def _add_fault(emulator: Emulator, value: Json) -> Json:
    name = value.pop("fault")
    if name not in FAULTS:
        raise ValueError(f"{name} is no fault; there are {', '.join(FAULTS)}")
    if "body" in value:
        value["body"] = value["body"].encode()
    if "headers" in value:
        value["headers"] = tuple((key, text) for key, text in value["headers"])
    fault: Fault = getattr(emulator, name)(**value)
    return fault.summary()
