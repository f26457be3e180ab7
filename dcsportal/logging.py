"""Log lines: JSON for machines that collect logs, text for people at a demo. Neither holds a secret.

The redaction is the last line of defence: nothing is meant to log a secret, but a library's error may
quote a header, an address with a password in it, or a whole request.
"""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pythonjsonlogger.json import JsonFormatter as StandardJsonFormatter

REDACTED = "[redacted]"
# A line of a gigabyte helps nobody: a longer message, field or traceback loses its middle.
LONGEST_VALUE = 16_000
# A shorter one may be a part of any word, such as a database's password `portal`.
SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Current:
    """The request that is being answered. `secrets` are its own: no log line may hold them."""

    id: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


NO_REQUEST = Current()
current: ContextVar[Current] = ContextVar("request", default=NO_REQUEST)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class JsonFormatter(StandardJsonFormatter):
    """Writes time, level, logger, message and request id; `extra={"event": {…}}` adds fields of its own."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"level": record.levelname.lower(), "logger": record.name, "message": record.message}
        if request_id := current.get().id:
            log_data["request_id"] = request_id
        log_data |= getattr(record, "event", {})
        if "exc_info" in message_dict:
            log_data["exception"] = message_dict["exc_info"]

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        half = LONGEST_VALUE // 2
        for name, value in log_data.items():
            if len(text := str(value)) > LONGEST_VALUE:
                log_data[name] = f"{text[:half]} … {text[-half:]}"
        return log_data

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class TextFormatter(logging.Formatter):
    """Writes one short line, with the request's id where there is one."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", "%H:%M:%S", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        # What a viewer sent must not look like a line of its own.
        record.message = _CONTROL.sub(
            lambda match: match[0].encode("unicode_escape").decode(), record.message
        )
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        line, request_id = super().format(record), current.get().id
        return redacted(f"{line} [{request_id}]" if request_id else line)


# Secrets -------------------------------------------------------------------------

# What stands between a name and its value, in a header, a form, JSON, or JSON within JSON.
_IS = r"\\*[\"']?\s*[=:]\s*\\*[\"']?"
_FIELDS = (
    # Whole headers, of several words.
    re.compile(rf"(\b(?:(?:proxy-)?authorization|(?:set-)?cookie){_IS})[^\"'\\\r\n]+", re.I),
    re.compile(
        rf"((?<![\w-])(?:[\w-]*(?:token|session_key|password|secret|verifier)|(?:__Host-)?sso-[\w-]+"
        rf"|(?:__Host-)?portal_(?:session|csrf)){_IS})[^\s\"'\\&,;)}}\]]+",
        re.I,
    ),
    # A sign-in's code and state, in an address or as a field; `status code: 403` is neither.
    re.compile(r"(\b(?:code|state)(?:=|\\*[\"']:\s*\\*[\"']))[^\s\"'\\&,;)}\]]+"),
    # PostgreSQL says: Key (session_key)=(…) already exists.
    re.compile(r"(\((?:session_key|digest|id)\)=\()[^)]+"),
    # An address with a password.
    re.compile(r"(://[^/\s:@\"'\\]*:)[^/\s\"'\\]+(?=@)"),
)


def redacted(text: str) -> str:
    """Return the text without the installation's secrets, those of this request, and fields that hold one."""
    for secret in (*(_forms_of_secrets() if settings.configured else ()), *current.get().secrets):
        text = text.replace(secret, REDACTED)
    for pattern in _FIELDS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


@lru_cache(maxsize=1)
def _forms_of_secrets() -> list[str]:
    """Return the secrets as they may be written; the longest first, since a key may be a part of a token."""
    secrets = (secret for secret in secrets_of_settings() if len(secret) >= SHORTEST_SECRET)
    return sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)


forget_secrets = _forms_of_secrets.cache_clear


def forms_of(secret: str) -> set[str]:
    """Return a secret as a log may have it: plain, in an address, in a repr, in JSON, in JSON within JSON."""
    forms = {secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for _ in range(2):
        forms |= {json.dumps(form)[1:-1] for form in forms}
    return forms


def secrets_of_settings() -> set[str]:
    """Return every secret that the settings hold."""
    found: set[str] = {settings.METRICS_TOKEN, settings.SSO_CLIENT_SECRET, *settings.SECRET_KEY_FALLBACKS}
    with suppress(ImproperlyConfigured):  # it is missing
        found.add(settings.SECRET_KEY)
    for project in settings.DCS_PROJECTS.values():
        found.update(project["credentials"].secrets)
    found.update(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    return found - {""}
