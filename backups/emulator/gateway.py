"""The gateway in front of DCS: who may come in, by AK/SK signature.

Codes and rules: dcs-api.md, sections 2 and 3. The messages are those that the
vendor's FAQ "Common Errors Related to IAM Authentication Information" prints.
They echo the AK, and a wrong signature's echoes the canonical request with the
security token in it, so that a client's redaction has something to redact.
"""

from __future__ import annotations

import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backups.dcs.signing import ALGORITHM, DATE_FORMAT, canonical_query, canonical_uri, signature

from .exchange import ApiError, Request, gateway_error
from .inventory import Project

CLOCK_TOLERANCE = timedelta(minutes=15)
REFUSALS_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=5)
MOST_KEYS = 1000

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<ak>[^,\s]+), ?"
    r"SignedHeaders=(?P<names>[^,\s]+), ?"
    r"Signature=(?P<signature>[0-9a-f]+)"
)


class Gateway:
    """Verifies every request, and locks a key after more than five refusals in a row."""

    def __init__(self, projects: Iterable[Project], clock: Callable[[], datetime]) -> None:
        self._keys = {project.ak: project for project in projects}
        self._clock = clock
        self._lock = threading.Lock()
        # How often a key was refused in a row, and when last. Bounded: any caller can make keys up.
        self._refusals: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def admit(self, request: Request) -> Project:
        """Return the project whose key signed the request, else raise the gateway's ApiError."""
        signed = _SignedRequest.read(request)
        now = self._clock().astimezone(UTC)
        if self._is_locked(signed.ak, now):
            raise _refused("AK access failed to reach the limit,forbidden.")
        try:
            project = self._verify(signed, now)
        except ApiError:
            self._count_refusal(signed.ak, now)
            raise
        with self._lock:
            self._refusals.pop(signed.ak, None)
        _check_project(request, project)
        return project

    def unlock(self) -> None:
        """Forget all refusals and locks."""
        with self._lock:
            self._refusals.clear()

    def _is_locked(self, ak: str, now: datetime) -> bool:
        with self._lock:
            count, last = self._refusals.get(ak, (0, now))
            if count > REFUSALS_BEFORE_LOCK and now - last >= LOCK_TIME:
                del self._refusals[ak]
            return count > REFUSALS_BEFORE_LOCK and now - last < LOCK_TIME

    def _count_refusal(self, ak: str, now: datetime) -> None:
        with self._lock:
            count, _ = self._refusals.pop(ak, (0, now))
            self._refusals[ak] = (count + 1, now)
            if len(self._refusals) > MOST_KEYS:
                self._refusals.popitem(last=False)

    def _verify(self, signed: _SignedRequest, now: datetime) -> Project:
        project = self._keys.get(signed.ak)
        if project is None:
            raise _refused(f"Get secretKey failed,ak:{signed.ak},err:ak not exist")
        signed.check_clock(now)
        if not signed.made_with(project.sk):
            raise _refused(
                f"verify aksk signature fail, ak:{signed.ak}, canonicalRequest:{signed.canonical_request()}"
            )
        if project.security_token and signed.header("x-security-token") != project.security_token:
            token = signed.header("x-security-token") or "missing"
            raise _refused(f"temporary ak:{signed.ak} needs its X-Security-Token, token:{token}")
        return project


@dataclass(frozen=True, slots=True)
class _SignedRequest:
    request: Request
    ak: str
    names: tuple[str, ...]
    signature: str

    @classmethod
    def read(cls, request: Request) -> _SignedRequest:
        header = request.headers.get("authorization")
        if header is None:
            raise _refused("x-auth-token not found")
        match = _AUTHORIZATION.fullmatch(header.strip())
        if match is None:
            raise _refused(f"authorization format is incorrect: {header}")
        return cls(request, match["ak"], tuple(match["names"].lower().split(";")), match["signature"])

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    def check_clock(self, now: datetime) -> None:
        try:
            signed_at = datetime.strptime(self.header("x-sdk-date"), DATE_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            raise _refused(f"x-sdk-date not found or not readable, ak:{self.ak}") from None
        if abs(now - signed_at) > CLOCK_TOLERANCE:
            raise _refused(
                f"signature expired, ak:{self.ak}, signature time:{signed_at:{DATE_FORMAT}},"
                f" server time:{now:{DATE_FORMAT}}"
            )

    def made_with(self, secret_key: str) -> bool:
        """Tell whether the signature over the headers that were named is right."""
        if "host" not in self.names or any(name not in self.request.headers for name in self.names):
            return False
        expected = signature(
            secret_key=secret_key,
            method=self.request.method,
            path=self.request.path,
            query=canonical_query(self.request.parameters),
            headers=self.request.headers,
            signed_headers=self.names,
            date=self.header("x-sdk-date"),
            body=self.request.body,
        )
        return hmac.compare_digest(expected, self.signature)

    def canonical_request(self) -> str:
        headers = "".join(f"{name}:{self.header(name)}|" for name in sorted(self.names))
        query = canonical_query(self.request.parameters)
        path = canonical_uri(self.request.path)
        return f"{self.request.method}|{path}|{query}|{headers}|{';'.join(sorted(self.names))}"


def _check_project(request: Request, project: Project) -> None:
    """Compare the project that was asked for with the key's own: a key opens one region's project."""
    scope = request.headers.get("x-project-id")
    if scope != project.project_id:
        known = f"project {scope} is not in this region" if scope else "X-Project-Id is missing"
        raise gateway_error(401, "APIGW.0307", f"The token must be updated: {known}.")


def _refused(detail: str) -> ApiError:
    return gateway_error(401, "APIGW.0301", f"Incorrect IAM authentication information: {detail}")
