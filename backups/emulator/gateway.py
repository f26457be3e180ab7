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
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from backups.dcs.signing import ALGORITHM, DATE_FORMAT, canonical_query, canonical_uri, signature

from .http import ApiError, Request
from .inventory import Project

CLOCK_TOLERANCE = timedelta(minutes=15)
REFUSALS_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=5)

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<ak>[^,\s]+), ?SignedHeaders=(?P<names>[^,\s]+), ?Signature=(?P<sign>[0-9a-f]+)"
)


class Gateway:
    """Verifies every request, and locks a key after more than five refusals in a row."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self._projects = {project.ak: project for project in projects}
        self._lock = threading.Lock()
        self._refusals: dict[str, tuple[int, datetime]] = {}  # of a key: how many in a row, and the last

    def admit(self, request: Request, now: datetime) -> Project:
        """Return the project whose key signed the request, else raise the gateway's ApiError."""
        signed = _authorization(request)
        with self._lock:
            count, last = self._refusals.pop(signed["ak"], (0, now))
            if count > REFUSALS_BEFORE_LOCK:
                if now - last < LOCK_TIME:
                    self._refusals[signed["ak"]] = count, last
                    raise _refused("AK access failed to reach the limit,forbidden.")
                count = 0
            try:
                project = self._verified(request, signed, now.astimezone(UTC))
            except ApiError:
                self._refusals[signed["ak"]] = count + 1, now
                raise
        # A key opens one region's project.
        scope = request.headers.get("x-project-id")
        if scope != project.project_id:
            known = f"project {scope} is not in this region" if scope else "X-Project-Id is missing"
            raise ApiError(401, "APIGW.0307", f"The token must be updated: {known}.")
        return project

    def _verified(self, request: Request, signed: re.Match[str], now: datetime) -> Project:
        ak, names = signed["ak"], sorted(signed["names"].lower().split(";"))
        project = self._projects.get(ak)
        if project is None:
            raise _refused(f"Get secretKey failed,ak:{ak},err:ak not exist")
        try:
            date = request.headers.get("x-sdk-date", "")
            signed_at = datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            raise _refused(f"x-sdk-date not found or not readable, ak:{ak}") from None
        if abs(now - signed_at) > CLOCK_TOLERANCE:
            times = f"signature time:{date}, server time:{now:{DATE_FORMAT}}"
            raise _refused(f"signature expired, ak:{ak}, {times}")
        if not _is_signed_with(project.sk, request, names, signed["sign"]):
            canonical = _canonical_request(request, names)
            raise _refused(f"verify aksk signature fail, ak:{ak}, canonicalRequest:{canonical}")
        token = request.headers.get("x-security-token", "")
        if project.security_token and token != project.security_token:
            raise _refused(f"temporary ak:{ak} needs its X-Security-Token, token:{token or 'missing'}")
        return project


def _authorization(request: Request) -> re.Match[str]:
    header = request.headers.get("authorization")
    if header is None:
        raise _refused("x-auth-token not found")
    signed = _AUTHORIZATION.fullmatch(header.strip())
    if signed is None:
        raise _refused(f"authorization format is incorrect: {header}")
    return signed


def _is_signed_with(secret_key: str, request: Request, names: list[str], given: str) -> bool:
    """Tell whether the signature over the headers that were named is right."""
    if "host" not in names or any(name not in request.headers for name in names):
        return False
    query, body = canonical_query(request.parameters), request.body
    asked = (request.method, request.path, query, request.headers)
    return hmac.compare_digest(signature(secret_key, *asked, signed_headers=names, body=body), given)


def _canonical_request(request: Request, names: list[str]) -> str:
    headers = "".join(f"{name}:{request.headers.get(name, '')}|" for name in names)
    query = canonical_query(request.parameters)
    return f"{request.method}|{canonical_uri(request.path)}|{query}|{headers}|{';'.join(names)}"


def _refused(detail: str) -> ApiError:
    return ApiError(401, "APIGW.0301", f"Incorrect IAM authentication information: {detail}")
