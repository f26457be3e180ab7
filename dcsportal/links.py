"""Links of this site: kept byte for byte on their way through the sign-in, and never leading elsewhere."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.encoding import escape_uri_path

# 8 kB is what a link may have; more than a browser or a proxy takes is no link of ours.
LONGEST_LINK = 8192

# One slash, then no second one: browsers read `//host` and `/\host` as another site.
# A backslash may stand after the `?`, where it means itself.
_SAFE_LINK = re.compile(r"/(?![/\\])[^?#\\]*(?:[?#].*)?", re.DOTALL)
_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")


def link_of(request: HttpRequest) -> str:
    """Return the path and the query of a request as they came in, as ASCII.

    `request.get_full_path()` would escape characters of the query that the browser left alone.
    """
    query = _escape_rest(request.META.get("QUERY_STRING", "").encode("latin-1", "replace"))
    return escape_uri_path(request.path) + (f"?{query}" if query else "")


def safe_link(link: str) -> str:
    """Return `link` if it is a relative path of this site, else the home page."""
    if len(link) > LONGEST_LINK or not _stays_here(link):
        return "/"
    try:
        return _escape_rest(link.encode())
    except UnicodeEncodeError:  # a lone surrogate
        return "/"


def is_too_long(link: str) -> bool:
    """Tell whether a link is lost for nothing but its length: its viewer is told, and offered to copy it."""
    return len(link) > LONGEST_LINK and _stays_here(link)


def _stays_here(link: str) -> bool:
    return not _CONTROL_OR_SPACE.search(link) and bool(_SAFE_LINK.fullmatch(link))


def shown_link(request: HttpRequest) -> str:
    """Return the page that a viewer was looking at when this request was sent from it.

    A background request names it in HX-Current-URL, a form or a fetch in Referer.
    """
    try:
        address = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    except ValueError:  # such as http://[
        return "/"
    if address.netloc != request.get_host():
        return "/"
    return safe_link(address.path + (f"?{address.query}" if address.query else ""))


def sign_in_link(link: str) -> str:
    return f"{reverse('sign-in')}?{query_of_next(link)}"


def query_of_next(link: str) -> str:
    return f"next={quote(link, safe='/')}"


def see_other(link: str) -> HttpResponse:
    """Redirect to a safe link without a change; HttpResponseRedirect would escape it anew."""
    return HttpResponse(status=303, headers={"Location": link})


def _escape_rest(link: bytes) -> str:
    """Escape what may not stand in a header; every other byte stays as it is."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in link)
