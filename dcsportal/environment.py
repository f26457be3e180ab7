"""Reads the settings from the environment, and stops with one sentence where a value is wrong.

django-environ reads the `.env` file and parses URLs; single values are taken from
`os.environ` here, because django-environ takes a value that starts with `$` as the
name of another one and reads an unknown boolean as False.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BOOLEANS = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}


def read_dotenv(default: Path) -> frozenset[str]:
    """Load the `.env` file; what the environment has already wins. Return the names that came from the file.

    ENV_FILE names another file; empty means none at all, which is how the tests run.
    """
    path = Path(os.environ.get("ENV_FILE", str(default)) or os.devnull)
    before = frozenset(os.environ)
    if path.is_file():
        try:
            environ.Env.read_env(path)
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{path} cannot be read: it is not UTF-8 text.") from error
    return frozenset(os.environ) - before


def shown(value: str) -> str:
    """Return a refused value as its sentence repeats it, unless it may hold a user and a password."""
    return "a text with an @, not repeated here" if "@" in unquote(value) else repr(value)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """Return the secret `name`, or the content of the file that `name`_FILE names."""
    return secret_at(name, value_in=name, file_in=f"{name}_FILE")


def secret_at(label: str, *, value_in: str, file_in: str) -> str:
    value, path = text(value_in), text(file_in)
    if value and path:
        raise ImproperlyConfigured(f"{label} is given twice: set {value_in} or {file_in}, not both.")
    return secret_file(file_in, path) if path else value


def secret_file(label: str, path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{label} names {path}, which cannot be read: {reason}.") from error
    if not value:
        raise ImproperlyConfigured(f"{label} names {path}, which is empty.")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name)
    if not value:
        return default
    if value.lower() not in _BOOLEANS:
        raise ImproperlyConfigured(
            f"{name} is {shown(value)}, but must be on or off (or true, false, yes, no, 1, 0)."
        )
    return _BOOLEANS[value.lower()]


def number(name: str, default: int, *, least: int, most: int) -> int:
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value[:18]) <= most):
        raise ImproperlyConfigured(
            f"{name} is {shown(value)}, but must be a whole number from {least} to {most}."
        )
    return int(value)


def seconds(name: str, default: float, *, least: float, most: float) -> float:
    value = text(name, str(default))
    try:
        parsed = float(value)
    except ValueError:
        parsed = -1.0
    if not least <= parsed <= most:
        raise ImproperlyConfigured(
            f"{name} is {shown(value)}, but must be a number of seconds from {least:g} to {most:g}."
        )
    return parsed


def choice(name: str, default: str, *, choices: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {shown(value)}, but must be one of {', '.join(choices)}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    return listed(text(name, default))


def listed(value: str) -> list[str]:
    """Return the items of a comma-separated list without the spaces around them."""
    return [item.strip() for item in value.split(",") if item.strip()]


def header_name(name: str) -> str:
    """Return the name of a request header; with underscores one server drops it and another spoofs it."""
    value = text(name)
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", value):
        raise ImproperlyConfigured(
            f"{name} is {shown(value)}, but must be the name of a header, with hyphens and no underscores."
        )
    return value


def networks(name: str) -> list[Network]:
    try:
        return [ipaddress.ip_network(item, strict=False) for item in words(name)]
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is {shown(text(name))}, but must list IP addresses or networks."
        ) from None


def web_address(name: str, default: str = "", *, bare: bool = False) -> str:
    """Return an http or https address without a slash at its end; http only on loopback.

    A bare one has no path.
    """
    value = text(name, default)
    return checked_web_address(name, value, bare=bare) if value else ""


def checked_web_address(label: str, value: str, *, bare: bool = False) -> str:
    address = _split(value)
    if address is None or address.query or address.fragment or "@" in address.netloc:
        # Not repeated: what is no address may be one with a password, mistyped.
        raise ImproperlyConfigured(
            f"{label} must be an address such as https://name.example, without user, password and query."
        )
    if bare and address.path not in ("", "/"):
        raise ImproperlyConfigured(f"{label} is {shown(value)}, but must not have a path.")
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        raise ImproperlyConfigured(
            f"{label} is {shown(value)}, but http is allowed on loopback only: use https."
        )
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(value: str) -> SplitResult | None:
    try:
        address = urlsplit(value)
        valid = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return None
    return address if valid and value.isascii() and not any(c.isspace() for c in value) else None
