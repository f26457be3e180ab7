"""Reads the settings from the environment, and stops with one sentence where a value is wrong.

django-environ reads the `.env` file and parses the database's URL; single values are taken from
`os.environ` here, because django-environ takes a value that starts with `$` as the name of another
one and reads an unknown boolean as False.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from backups.dcs.fields import span_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ON, OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def read_dotenv(default: Path) -> frozenset[str]:
    """Load the `.env` file, or ENV_FILE, if not empty; return the names that the environment had not yet."""
    path = Path(os.environ.get("ENV_FILE", str(default)) or os.devnull)
    before = frozenset(os.environ)
    if path.is_file():
        try:
            environ.Env.read_env(path)
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{path} cannot be read: it is not UTF-8 text.") from error
    return frozenset(os.environ) - before


def refused(label: str, value: str, rule: str) -> ImproperlyConfigured:
    """Return the refusal of a value, which it repeats unless it may hold a user and a password."""
    shown = "a text with an @, not repeated here" if "@" in unquote(value) else repr(value)
    return ImproperlyConfigured(f"{label} is {shown}, but must be {rule}.")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """Return the secret `name`, or the content of the file that `name`_FILE names."""
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"{name} is given twice: set {name} or {name}_FILE, not both.")
    return secret_file(f"{name}_FILE", path) if path else value


def secret_file(label: str, path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{label} names {path}, which cannot be read: {reason}.") from error
    if not value:
        raise ImproperlyConfigured(f"{label} names {path}, which is empty.")
    return value


def flag(name: str, default: str = "off") -> bool:
    value = text(name, default).lower()
    if value not in ON + OFF:
        raise refused(name, value, "on or off (or true, false, yes, no, 1, 0)")
    return value in ON


def number(name: str, default: int, *, least: int, most: int) -> int:
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value[:18]) <= most):
        raise refused(name, value, f"a whole number from {least} to {most}")
    return int(value)


def seconds(
    name: str, default: float, *, least: float, most: float, what: str = "a number of seconds"
) -> float:
    value, parsed = text(name, str(default)), -1.0
    with suppress(ValueError):
        parsed = float(value)
    if not least <= parsed <= most:
        raise refused(name, value, f"{what} from {least:g} to {most:g}")
    return parsed


def span(name: str) -> timedelta | None:
    """Return a span such as 6h or 1d, None where none is set."""
    value = text(name)
    return checked_span(name, value) if value else None


def checked_span(label: str, value: str) -> timedelta:
    found = span_of(value)
    if found is None:
        raise refused(label, value, "a time such as 6h, 90m or 1d, at most 366d")
    return found


def choice(name: str, default: str, *, choices: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise refused(name, value, f"one of {', '.join(choices)}")
    return value


def words(name: str) -> list[str]:
    return listed(text(name))


def listed(value: str) -> list[str]:
    """Return the items of a comma-separated list without the spaces around them."""
    return [item.strip() for item in value.split(",") if item.strip()]


def header_name(name: str) -> str:
    """Return the name of a request header; with underscores one server drops it and another spoofs it."""
    value = text(name)
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", value):
        raise refused(name, value, "the name of a header, with hyphens and no underscores")
    return value


def networks(name: str) -> list[Network]:
    try:
        return [ipaddress.ip_network(item, strict=False) for item in words(name)]
    except ValueError:
        raise refused(name, text(name), "a list of IP addresses or networks") from None


def web_address(name: str, default: str = "") -> str:
    value = text(name, default)
    return checked_web_address(name, value) if value else ""


def checked_web_address(label: str, value: str) -> str:
    """Return an http or https address without a slash at its end; http only on loopback."""
    address = parsed_web_address(value)
    if address is None or address.query or address.fragment or "@" in address.netloc:
        # Not repeated: what is no address may be one with a password, mistyped.
        rule = "an address such as https://name.example, without user, password and query"
        raise ImproperlyConfigured(f"{label} must be {rule}.")
    if not is_safe(address):
        raise refused(label, value, "an address with https: http is allowed on loopback only")
    return value.rstrip("/")


def parsed_web_address(value: str) -> SplitResult | None:
    """Return the parts of an http or https address; None for any other text."""
    try:
        address = urlsplit(value)
        is_address = bool(address.hostname) and address.port != 0 and address.scheme in ("http", "https")
    except ValueError:
        return None
    return address if is_address and re.fullmatch(r"[!-~]+", value) else None


def is_safe(address: SplitResult) -> bool:
    return address.scheme == "https" or is_loopback(address.hostname or "")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_secret_key(path: Path) -> str:
    """Return the signing key of a demo or a development checkout from `path`, made where it is missing.

    It is written aside and then linked to its place: of processes that start at once the first one wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner only.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft, suppress(FileExistsError):
            draft.write(secrets.token_urlsafe(48))
            draft.flush()
            os.link(draft.name, path)
    return path.read_text().strip()
