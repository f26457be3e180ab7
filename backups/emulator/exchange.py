"""What goes in and out of the emulator: one request, one answer, and an error as an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote, unquote

WsgiEnvironment = Mapping[str, Any]
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
    def read(cls, environ: WsgiEnvironment) -> Request:
        """Take the whole request, its body too: an unread body would leave the connection in the way."""
        path, _, query = str(environ.get("REQUEST_URI") or _rebuilt_target(environ)).partition("?")
        return cls(
            method=str(environ["REQUEST_METHOD"]),
            path=path,
            query=query,
            headers=dict(_headers(environ)),
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

    @property
    def status_line(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"

    @property
    def wire_headers(self) -> list[tuple[str, str]]:
        if self.status == HTTPStatus.NO_CONTENT:
            return list(self.headers)
        length = len(self.body) if self.announced is None else self.announced
        return [*self.headers, ("Content-Length", str(length))]


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
    """A refusal in one of the documented shapes (dcs-api.md, section 3)."""

    def __init__(self, status: int, code: str, message: str, shape: Shape = "dcs") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.shape: Shape = shape

    def answer(self, request_id: str) -> Answer:
        return json_answer(
            error_body(self.code, self.message, self.shape, request_id, self.status), self.status
        )


def error_body(code: str, message: str, shape: Shape, request_id: str, status: int) -> dict[str, object]:
    """Return the JSON of an error as the part of the cloud that refuses would write it."""
    if shape == "gateway":
        return {"error_msg": message, "error_code": code, "request_id": request_id}
    if shape == "older":
        return {"error": {"code": code, "message": message}}
    if shape == "iam":
        return {"error": {"code": status, "message": message, "title": HTTPStatus(status).phrase}}
    body: dict[str, object] = {"error_code": code, "error_msg": message, "error_ext_msg": None}
    if shape == "authorization":
        body["encoded_authorization_message"] = "XcYHVkLmNvZGVkLWF1dGhvcml6YXRpb24tbWVzc2FnZQ"
    return body


def gateway_error(status: int, code: str, message: str) -> ApiError:
    return ApiError(status, code, message, shape="gateway")


def invalid(parameter: str) -> ApiError:
    """DCS.4800 in the reference's own words."""
    return ApiError(400, "DCS.4800", f"Invalid {parameter} in the request.")


def _rebuilt_target(environ: WsgiEnvironment) -> str:
    """Return the request's target where the server does not tell it (not waitress, but in a test)."""
    path = quote(str(environ.get("PATH_INFO", "")).encode("latin-1"), safe="/~")
    return f"{path}?{environ.get('QUERY_STRING', '')}"


def _headers(environ: WsgiEnvironment) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value
    if environ.get("CONTENT_TYPE"):
        yield "content-type", environ["CONTENT_TYPE"]
