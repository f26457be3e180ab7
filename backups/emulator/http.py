"""What goes in and out of the emulator: one request, one answer, and an error as an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import NO_CONTENT, responses
from typing import Literal
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIEnvironment

Shape = Literal["dcs", "gateway", "older", "iam", "authorization"]
Headers = tuple[tuple[str, str], ...]
JSON_HEADERS: Headers = (("Content-Type", "application/json;charset=UTF-8"),)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; path and query as they came over the wire, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, environ: WSGIEnvironment) -> Request:
        """Take the whole request, its body too: an unread body would leave the connection in the way."""
        path, _, query = environ["REQUEST_URI"].partition("?")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return cls(environ["REQUEST_METHOD"], path, query, headers, body)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Return the query as pairs. A `+` stays a `+`: the signature counts a space as `%20`."""
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `announced` is the Content-Length where it lies, `pieces` a body that drips."""

    status: int = 200
    body: bytes = b""
    headers: Headers = JSON_HEADERS
    announced: int | None = None
    pieces: Iterable[bytes] | None = field(default=None, repr=False)

    def send(self, start_response: StartResponse, *more: tuple[str, str]) -> Iterable[bytes]:
        headers = list(more)
        if self.status != NO_CONTENT:
            length = len(self.body) if self.announced is None else self.announced
            headers += [*self.headers, ("Content-Length", str(length))]
        start_response(f"{self.status} {responses.get(self.status, 'Unknown')}", headers)
        return self.pieces or [self.body]


def json_bytes(value: object) -> bytes:
    """Return JSON in UTF-8; lone surrogates, which UTF-8 cannot hold, as escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal, in the shape of the part of the cloud that refuses (dcs-api.md, section 3).

    The shape is by default what the code's prefix tells.
    """

    status: int
    code: str
    message: str
    shape: Shape | None = None
    headers: Headers = ()

    def answer(self, request_id: str) -> Answer:
        inner = {"code": self.code, "message": self.message}
        body: dict[str, object] = {"error_code": self.code, "error_msg": self.message}
        match self.shape or ("gateway" if self.code.startswith("APIG") else "dcs"):
            case "gateway":
                body |= {"request_id": request_id}
            case "older":
                body = {"error": inner}
            case "iam":
                title = responses.get(self.status, "Unknown")
                body = {"error": {**inner, "code": self.status, "title": title}}
            case "dcs":
                body |= {"error_ext_msg": None}
            case "authorization":
                body |= {"encoded_authorization_message": "XcYHVkLmNvZGVkLWF1dGhvcml6YXRpb24tbWVzc2FnZQ"}
        return Answer(self.status, json_bytes(body), (*JSON_HEADERS, *self.headers))
