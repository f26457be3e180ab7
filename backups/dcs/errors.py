"""What can go wrong between the portal and DCS.

DcsError
├── DcsUnavailable       no connection, a timeout, a cut body, 5xx: nobody knows the answer now
├── DcsThrottled         429: too many calls; `retry_after` says when to come back
├── DcsAccessDenied      401, 403: the key is refused, or lacks a permission
├── DcsNotFound          DCS does not know the instance
├── DcsRequestRejected   any other 4xx
└── DcsAnswerGarbled     an answer that is not the API's: HTML, a redirect, broken JSON

Each carries the HTTP status, DCS's own code and message (redacted), its request
id, and a stable `kind`. Shapes and codes: the API's error reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

NOT_FOUND_CODES = frozenset({"DCS.4119", "DCS.3022"})
MESSAGE_LIMIT = 1024  # what the reference page allows an error_msg


class DcsError(Exception):
    """An answer of DCS that is no answer. `str()` is a sentence for a log; it holds no secret."""

    kind = "error"

    def __init__(
        self,
        message: str = "",
        *,
        http_status: int | None = None,
        error_code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.error_code = error_code
        self.request_id = request_id
        self.retry_after = retry_after
        self.kind = kind or type(self).kind

    def __str__(self) -> str:
        parts = [self.kind.replace("_", " ")]
        if self.http_status is not None:
            parts.append(f"HTTP {self.http_status}")
        if self.error_code:
            parts.append(self.error_code)
        if self.message:
            parts.append(self.message)
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        return ", ".join(parts)


class DcsUnavailable(DcsError):
    """kind: unreachable, timed_out, cut_short or server_error."""

    kind = "server_error"


class DcsThrottled(DcsError):
    kind = "throttled"


class DcsAccessDenied(DcsError):
    """kind: credentials_refused (401; never to be retried, the cloud locks the key) or access_denied."""

    kind = "access_denied"


class DcsNotFound(DcsError):
    kind = "not_found"


class DcsRequestRejected(DcsError):
    kind = "rejected"


class DcsAnswerGarbled(DcsError):
    kind = "garbled"


def error_from_answer(
    *, http_status: int, answer: Any, request_id: str, retry_after: float | None, secrets: Iterable[str]
) -> DcsError:
    """Return the error that an HTTP answer means.

    `answer` is the decoded JSON body, or None where the body is no JSON (a
    proxy's HTML, an empty body). All documented shapes are understood: DCS v2,
    the older `{"error": {…}}`, the gateway's and IAM's.
    """
    code, message, body_request_id = _code_and_message(answer)
    message = redact(message, secrets)
    code = redact(code, secrets)[:64]
    kind: type[DcsError]
    name = ""
    if http_status == 429 or code.endswith("GW.0308") or code == "APIG.0308":
        kind = DcsThrottled
    elif http_status == 401:
        kind, name = DcsAccessDenied, "credentials_refused"
    elif http_status == 403:
        kind = DcsAccessDenied
    elif code in NOT_FOUND_CODES and http_status in (400, 404):
        kind = DcsNotFound
    elif 400 <= http_status < 500 and (code or message):
        kind = DcsRequestRejected
    elif http_status >= 500:
        kind = DcsUnavailable
    elif http_status == 200 and (code or message):
        kind = DcsRequestRejected  # an error inside a 200
    else:
        kind = DcsAnswerGarbled
    return kind(
        message,
        http_status=http_status,
        error_code=code,
        request_id=clean_request_id(request_id or body_request_id),
        retry_after=retry_after,
        kind=name,
    )


def is_error(answer: Any) -> bool:
    """Tell whether a decoded body has the shape of an error, whatever its HTTP status says."""
    code, message, _ = _code_and_message(answer)
    return bool(code or message)


def _code_and_message(answer: Any) -> tuple[str, str, str]:
    if not isinstance(answer, Mapping):
        return "", "", ""
    inner = answer.get("error")
    if isinstance(inner, str):
        return "", inner, _plain(answer.get("request_id"))
    if isinstance(inner, Mapping):
        return _plain(inner.get("code")), _plain(inner.get("message")), _plain(answer.get("request_id"))
    return _plain(answer.get("error_code")), _plain(answer.get("error_msg")), _plain(answer.get("request_id"))


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


_CANONICAL = re.compile(r"canonical[\s_-]*request.*", re.IGNORECASE | re.DOTALL)
_NAMED_SECRET = re.compile(
    r"(\b(?:ak|sk|access|signature|credential|authorization|x-(?:auth|security|subject)-token|encoded_authorization_message)"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s,;\"'}]+",
    re.IGNORECASE,
)
_LONG_HEX = re.compile(r"\b[0-9a-fA-F]{64}\b")
_ACCESS_KEY = re.compile(r"\b(?=[A-Z0-9]*\d)[A-Z0-9]{20}\b")


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return a message of DCS that is safe to show: gateways echo keys and whole signed requests."""
    # The longest first: a key may be a part of a token.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[redacted]")
    text = _CANONICAL.sub("canonical request [redacted]", text)
    text = _NAMED_SECRET.sub(r"\1[redacted]", text)
    text = _ACCESS_KEY.sub("[redacted]", _LONG_HEX.sub("[redacted]", text))
    return "".join(c if c.isprintable() else " " for c in text)[:MESSAGE_LIMIT].strip()


def clean_request_id(text: str) -> str:
    """Return DCS's request id without anything that could break a log line or a page."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "", text)[:128]
