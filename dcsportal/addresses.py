"""From which address a request came."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

from .environment import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str:
    """Return the viewer's address: the rightmost of X-Forwarded-For that is no trusted proxy's.

    X-Forwarded-For counts only as far as TRUSTED_PROXIES wrote it; the rest anybody may have made up.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not is_in(address, settings.TRUSTED_PROXIES) or parsed(hop) is None:
            break
        address = str(parsed(hop))
    return address


def network_of(request: HttpRequest) -> str:
    """Return the viewer's address as it is counted: who has one address of IPv6 has all of its network."""
    address = parsed(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_in(address: str, networks: Iterable[Network]) -> bool:
    ip = parsed(address)
    return ip is not None and any(ip in network for network in networks)


def parsed(address: str) -> Address | None:
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    # A socket that listens on both families tells IPv4 addresses as ::ffff:10.0.0.1.
    return getattr(ip, "ipv4_mapped", None) or ip
