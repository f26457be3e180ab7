"""What the provider announces about itself, as far as the portal needs it.

It is read by one thread at a time, kept, and waited for by few requests.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import msgspec

from dcsportal.environment import is_safe, parsed_web_address

from .failures import SignInFailure

logger = logging.getLogger(__name__)


class Metadata(
    msgspec.Struct,
    frozen=True,
    rename={
        "algorithms": "id_token_signing_alg_values_supported",
        "auth_methods": "token_endpoint_auth_methods_supported",
        "names_issuer": "authorization_response_iss_parameter_supported",
    },
):
    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    names_issuer: bool = False

    def auth_method(self, client_id: str, client_secret: str) -> str:
        """Choose how the portal proves who it is; without a secret it is a public client.

        How characters such as : and % are written in client_secret_basic, providers disagree:
        with one of them client_secret_post is taken where it is offered.
        """
        if not client_secret:
            return "none"
        plain = re.fullmatch(r"[A-Za-z0-9._~-]*", client_id + client_secret)
        if "client_secret_post" in self.auth_methods and not (
            plain and "client_secret_basic" in self.auth_methods
        ):
            return "client_secret_post"
        return "client_secret_basic"


def checked_metadata(answer: dict[str, Any], *, issuer: str) -> Metadata:
    try:
        metadata = msgspec.convert({n: value for n, value in answer.items() if value is not None}, Metadata)
    except msgspec.ValidationError as error:
        raise SignInFailure("unavailable", f"the provider's announcement cannot be read: {error}") from error
    # A slash at the end belongs to the issuer, but is easily lost on the way into a setting.
    if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
        logger.error("SSO_ISSUER is %s, but the provider there calls itself %.200r.", issuer, metadata.issuer)
        raise SignInFailure("unavailable", "the provider calls itself otherwise than SSO_ISSUER")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_usable(getattr(metadata, name)):
            raise SignInFailure("unavailable", f"the provider announces no usable {name}")
    optional = ("userinfo_endpoint", "end_session_endpoint")
    unusable = [name for name in optional if not _is_usable(getattr(metadata, name))]
    return msgspec.structs.replace(metadata, **dict.fromkeys(unusable, ""))


def _is_usable(endpoint: str) -> bool:
    """Tell whether an announced address is one; http counts on loopback only."""
    address = parsed_web_address(endpoint)
    return address is not None and is_safe(address)


# What is read and kept --------------------------------------------------------

# Longer than any call takes, unless a name server keeps silent.
LONGEST_WAIT = 6.0
# What is known already is worth so long a wait for what is newer, of one request at a time.
GRACE = 1.0
FAILURE_PAUSE = 2.0

T = TypeVar("T")


@contextmanager
def one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold one of the slots, or fail at once: who waited for one would hold a thread of the server."""
    if not slots.acquire(blocking=False):
        raise SignInFailure("unavailable", "as many as may wait for the provider do so already")
    try:
        yield
    finally:
        slots.release()


class CachedAnswer(Generic[T]):
    def __init__(self, read: Callable[[], T], *, most_waiting: int) -> None:
        self._read = read
        self._slots = threading.BoundedSemaphore(most_waiting)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="openid-provider")
        self._lock = threading.Lock()  # never held while the provider is asked
        self._reading: Future[T] | None = None  # the last one, under way or done
        self._known: T | None = None
        self._read_at = self._failed_at = float("-inf")

    def get(self, *, max_age: float, anew: bool = False) -> T:
        """Return the answer, read if what is known is older than `max_age`.

        What is known is returned while a newer one is read, unless the last reading failed. With `anew`
        it is of no use, and as if nothing were known.
        """
        with self._lock:
            now, known = time.monotonic(), self._known
            if known is not None and now - self._read_at <= max_age:
                return known
            reading = self._reading
            begins = reading is None or (reading.done() and now - self._failed_at >= FAILURE_PAUSE)
            if reading is None or begins:
                # Its log lines carry the id of the request.
                reading = self._reading = self._thread.submit(copy_context().run, self._read_and_keep)
        if known is None or anew:
            with one_of(self._slots):
                wait([reading], LONGEST_WAIT)
        elif begins:
            wait([reading], GRACE)
        if reading.done():
            return _outcome(reading)
        if known is None or anew:
            raise SignInFailure("unavailable", "the provider has not answered in time")
        return known

    def _read_and_keep(self) -> T:
        try:
            answer = self._read()
        except SignInFailure:
            self._failed_at = time.monotonic()
            raise
        with self._lock:
            self._known, self._read_at = answer, time.monotonic()
        return answer


def _outcome(reading: Future[T]) -> T:
    failure = reading.exception()
    if isinstance(failure, SignInFailure):
        # Raised again and again, the same one would keep the frames of each request.
        raise SignInFailure(failure.kind, failure.reason) from failure
    return reading.result()
