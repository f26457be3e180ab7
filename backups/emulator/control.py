"""Faults over HTTP, for an emulator that runs in a process of its own. No signature, JSON only.

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

import json
from collections.abc import Iterable
from dataclasses import asdict
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .api import Emulator
from .faults import Fault, Faults
from .http import Answer, Request, json_answer
from .records import Json

PREFIX = "/_emulator/"
# All that Faults offers, but for what is no fault or takes a function.
FAULTS = sorted({name for name in vars(Faults) if name[0] != "_"} - {"faults", "heal", "after_calls"})


def with_control(emulator: Emulator) -> WSGIApplication:
    """Return a WSGI app that answers what is below `/_emulator/`, and leaves the rest to the emulator."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["REQUEST_URI"].startswith(PREFIX):
            return emulator(environ, start_response)
        return _answer(emulator, Request.read(environ)).send(start_response)

    return app


def _answer(emulator: Emulator, request: Request) -> Answer:
    writes = request.method in {"POST", "PUT", "PATCH"}
    if writes and not request.headers.get("content-type", "").startswith("application/json"):
        return json_answer({"error": "Send Content-Type: application/json."}, 415)
    try:
        return _routed(emulator, request)
    except (ValueError, TypeError, LookupError, AttributeError) as problem:
        return json_answer({"error": f"{type(problem).__name__}: {problem}"}, 400)


def _routed(emulator: Emulator, request: Request) -> Answer:
    room, *rest = request.path[len(PREFIX) :].split("/")
    value = json.loads(request.body) if request.body else {}
    match request.method, room, rest:
        case "GET", "", []:
            return json_answer(_overview(emulator))
        case "POST", "faults", []:
            return json_answer(_add_fault(emulator, value), 201)
        case "DELETE", "faults", []:
            emulator.heal()
        case "GET", "calls", []:
            part = dict(request.parameters).get("path_contains", "")
            return json_answer([asdict(call) for call in emulator.calls if part in call.path])
        case "DELETE", "calls", []:
            emulator.clear_calls()
        case "PUT", "records", [instance_id]:
            emulator.set_records(instance_id, value)
        case "POST", "records", [instance_id]:
            emulator.insert_record(instance_id, value)
        case "PATCH", "records", [instance_id, backup_id]:
            emulator.change_record(instance_id, backup_id, **value)
        case "DELETE", "instances", [instance_id]:
            emulator.remove_instance(instance_id)
        case "DELETE", "listed-instances", [instance_id]:
            emulator.hide_instance(instance_id)
        case "DELETE", "records", [instance_id, backup_id]:
            emulator.remove_record(instance_id, backup_id)
        case "DELETE", "", []:
            emulator.reset()
        case _:
            return json_answer({"error": "No such control."}, 404)
    return Answer(204)


def _overview(emulator: Emulator) -> Json:
    return {
        "projects": [
            {"name": one.name, "region": one.region, "project_id": one.project_id}
            for one in emulator.fleet.projects
        ],
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
