"""What goes in and out of the emulator: one request, one answer, and an error as an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.client import NO_CONTENT, responses
from typing import Literal
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIEnvironment

Shape = Literal["dcs", "gateway", "older", "iam", "authorization"]


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
        return cls(
            method=environ["REQUEST_METHOD"],
            path=path,
            query=query,
            headers={
                name.removeprefix("HTTP_").replace("_", "-").lower(): value
                for name, value in environ.items()
                if name.startswith("HTTP_") or name == "CONTENT_TYPE"
            },
            body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        )

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Return the query as pairs. A `+` stays a `+`: the signature counts a space as `%20`."""
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `announced` is the Content-Length where it lies, `pieces` a body that drips."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    announced: int | None = None
    pieces: Iterable[bytes] | None = field(default=None, repr=False)

    def with_header(self, name: str, value: str) -> Answer:
        return replace(self, headers=(*self.headers, (name, value)))

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        headers = list(self.headers)
        if self.status != NO_CONTENT:
            length = len(self.body) if self.announced is None else self.announced
            headers.append(("Content-Length", str(length)))
        start_response(f"{self.status} {responses.get(self.status, 'Unknown')}", headers)
        return self.pieces or [self.body]


def json_answer(value: object, status: int = 200) -> Answer:
    return json_bytes_answer(json_bytes(value), status)


def json_bytes_answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status, body, (("Content-Type", "application/json;charset=UTF-8"),))


def json_bytes(value: object) -> bytes:
    """Return JSON in UTF-8; lone surrogates, which UTF-8 cannot hold, as escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


class ApiError(Exception):
    """A refusal, in the shape of the part of the cloud that refuses (dcs-api.md, section 3).

    The shape is by default what the code's prefix tells.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        shape: Shape | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.shape = shape or ("gateway" if code.startswith("APIG") else "dcs")
        self.headers = headers

    def answer(self, request_id: str) -> Answer:
        made = json_answer(self._body(request_id), self.status)
        return replace(made, headers=made.headers + self.headers)

    def _body(self, request_id: str) -> dict[str, object]:
        match self.shape:
            case "gateway":
                return {"error_msg": self.message, "error_code": self.code, "request_id": request_id}
            case "older":
                return {"error": {"code": self.code, "message": self.message}}
            case "iam":
                title = responses.get(self.status, "Unknown")
                return {"error": {"code": self.status, "message": self.message, "title": title}}
        body: dict[str, object] = {"error_code": self.code, "error_msg": self.message, "error_ext_msg": None}
        if self.shape == "authorization":
            body["encoded_authorization_message"] = "XcYHVkLmNvZGVkLWF1dGhvcml6YXRpb24tbWVzc2FnZQ"
        return body
