"""Log lines: JSON for machines that collect logs, text for people at a demo. Neither holds a secret."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from .redaction import redactor
from .request_ids import current

# A line of a gigabyte helps nobody; a traceback is far shorter.
LONGEST_LINE = 64 * 1024

# No line names a thread, a process or a line of code: finding them out costs as much as the rest.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

_to_json = msgspec.json.Encoder(enc_hook=str).encode
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message and request id; `extra={"event": {…}}` adds fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        request, more = current.get(), getattr(record, "event", {})
        event: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": more["message"] if "message" in more else record.getMessage(),
        }
        if request.id:
            event["request_id"] = request.id
        event |= more
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        line = _encoded(event)
        if len(line) > LONGEST_LINE:
            line = _encoded({name: _shortened(value) for name, value in event.items()})
        return redactor().clean(line, *request.secrets)


def _encoded(event: dict[str, Any]) -> str:
    try:
        return _to_json(event).decode()
    except (UnicodeEncodeError, msgspec.MsgspecError):
        # A lone surrogate, which JSON can say and UTF-8 cannot.
        return _to_json({name: _CONTROL.sub(_escaped, str(value)) for name, value in event.items()}).decode()


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else str(value)
    return value if len(text) <= 8192 else f"{text[:4096]} … {text[-4000:]}"


class Exceptions(logging.Filter):
    """Lets through what was raised and not caught; an answer such as 503 may be all that is right."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


class TextFormatter(logging.Formatter):
    """Writes one short line, with the request's id where there is one."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", "%H:%M:%S", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        # What a viewer sent must not look like a line of its own.
        record.message = _CONTROL.sub(_escaped, record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        request = current.get()
        line = super().format(record)
        return redactor().clean(f"{line} [{request.id}]" if request.id else line, *request.secrets)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
