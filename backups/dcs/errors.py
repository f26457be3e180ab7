"""What can go wrong between the portal and DCS.

DcsError
├── DcsUnavailable       no connection, a timeout, a cut body, 5xx: nobody knows the answer now
├── DcsThrottled         429: too many calls; `retry_after` says when to come back
├── DcsAccessDenied      401, 403: the key is refused, or lacks a permission
├── DcsNotFound          DCS does not know the instance
├── DcsRequestRejected   any other 4xx; kind "unsupported": this kind of instance has no backups
└── DcsAnswerGarbled     an answer that is not the API's: HTML, a redirect, broken JSON

Each carries the HTTP status, DCS's own code and message (redacted), its request
id, and a stable `kind`. Shapes and codes: the API's error reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from .fields import object_of

NOT_FOUND_CODES = frozenset({"DCS.4119", "DCS.3022"})
UNSUPPORTED_CODES = frozenset({"DCS.4086", "DCS.4095"})
# The older form of the same codes has nine digits; those that are not 1114 + 00 + the last three of DCS.4NNN.
_OLDER_CODES = {f"11140100{n}": f"DCS.100{n}" for n in (1, 2, 3, 4)} | {
    "111403002": "DCS.3002", "111403003": "DCS.3003", "111404001": "DCS.4001",
    "111404022": "DCS.3022", "111405001": "DCS.5001", "111500000": "DCS.5000",
}  # fmt: skip
_OF_THE_CLOUD = re.compile(r"(?:DCS|APIGW|IAM|PDP|STS|EPS)\.\d{1,6}|1114\d{5}|111500000|40[13]")
MESSAGE_LIMIT = 1024  # what the reference page allows an error_msg


@dataclass(eq=False, repr=False)
class DcsError(Exception):
    """An answer of DCS that is no answer. `str()` is a sentence for a log; it holds no secret."""

    message: str = ""
    _: KW_ONLY
    http_status: int | None = None
    error_code: str = ""
    request_id: str = ""
    retry_after: float | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        self.kind = self.kind or type(self).kind or "error"

    def __str__(self) -> str:
        status = "" if self.http_status is None else f"HTTP {self.http_status}"
        request_id = f"request id {self.request_id}" if self.request_id else ""
        parts = (self.kind.replace("_", " "), status, self.error_code, self.message, request_id)
        return ", ".join(filter(None, parts))


class DcsUnavailable(DcsError):
    """kind: unreachable, timed_out, cut_short or server_error."""

    kind = "server_error"


class DcsThrottled(DcsError):
    kind = "throttled"


class DcsAccessDenied(DcsError):
    """kind: credentials_refused (401; never to be retried, the cloud locks the key), access_denied, blocked.

    blocked: a 403 that is neither DCS's nor the gateway's own, but of a firewall or proxy on the way.
    """

    kind = "access_denied"


class DcsNotFound(DcsError):
    kind = "not_found"


class DcsRequestRejected(DcsError):
    kind = "rejected"


class DcsAnswerGarbled(DcsError):
    kind = "garbled"


def canonical_code(code: str) -> str:
    """Return the code as the error reference lists it: `DCS.4119` for `111400119`, `APIGW.` for `APIG.`."""
    if re.fullmatch(r"111400\d{3}", code):
        return f"DCS.4{code[-3:]}"
    return _OLDER_CODES.get(code, code.replace("APIG.", "APIGW."))


def error_from_answer(
    *, http_status: int, answer: Any, request_id: str, retry_after: float | None, secrets: Iterable[str]
) -> DcsError:
    """Return the error that an HTTP answer means.

    `answer` is the decoded JSON body, or None where the body is no JSON (a
    proxy's HTML, an empty body). All shapes that are seen are understood: DCS v2,
    the older `{"error": {…}}`, the gateway's, IAM's, and those that the SDK looks for.
    """
    code, message = (redact(text, secrets) for text in _code_and_message(answer))
    code = code[:64]
    meaning = canonical_code(code)
    kind: type[DcsError]
    name = ""
    if http_status == 429 or meaning == "APIGW.0308":
        kind = DcsThrottled
    elif http_status == 401:
        kind, name = DcsAccessDenied, "credentials_refused"
    elif http_status == 403:
        kind, name = DcsAccessDenied, "access_denied" if _OF_THE_CLOUD.fullmatch(meaning) else "blocked"
    elif meaning in NOT_FOUND_CODES and http_status in (200, 400, 404):
        kind = DcsNotFound
    elif http_status < 500 and http_status not in range(201, 400) and (code or message):
        # Also an error inside a 200.
        kind, name = DcsRequestRejected, "unsupported" if meaning in UNSUPPORTED_CODES else ""
    elif http_status >= 500:
        kind = DcsUnavailable
    else:
        kind = DcsAnswerGarbled
    return kind(
        message,
        http_status=http_status,
        error_code=code,
        request_id=clean_request_id(request_id or _plain(object_of(answer).get("request_id"))),
        retry_after=retry_after,
        kind=name,
    )


def is_error(answer: Any) -> bool:
    """Tell whether a decoded body has the shape of an error, whatever its HTTP status says."""
    return any(_code_and_message(answer))


_NAMES = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
_WRAPPERS = ("error", "badRequest", "forbidden", "unauthorized", "itemNotFound", "overLimit")


def _code_and_message(answer: Any) -> tuple[str, str]:
    outer = object_of(answer)
    for inner in (outer, *(object_of(outer.get(name)) for name in _WRAPPERS)):
        for code_name, message_name in _NAMES:
            code, message = _plain(inner.get(code_name)), _plain(inner.get(message_name))
            # A `message` by itself is nothing that the cloud says.
            if code or (message and not (inner is outer and message_name == "message")):
                return code, message
    return "", _plain(outer.get("error"))


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
